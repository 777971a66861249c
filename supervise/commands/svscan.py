"""svscan [DIR]: supervise everything in a scan directory."""

import os
import sys

USAGE = "usage: svscan [--interval=SECONDS] [dir]"


def main() -> None:
    directory, interval = _arguments(sys.argv[1:])
    from supervise.commands.daemon import fail, prepare

    prepare()
    if directory is not None:
        try:
            os.chdir(directory)
        except OSError as error:
            fail("svscan", f"unable to chdir to {directory}", error)
    from supervise.engine.host import Host
    from supervise.engine.svscan import Svscan

    try:
        Svscan(Host(), os.getcwdb(), interval).run()
    except OSError as error:
        fail("svscan", f"unable to use directory {directory or '.'}", error)


def _arguments(words: list[str]) -> tuple[str | None, float]:
    interval = 0.0
    while words and words[0].startswith("--") and words[0] != "--":
        name, _, value = words.pop(0).partition("=")
        if name == "--help":
            print(USAGE)
            sys.exit(0)
        if name != "--interval" or not value.replace(".", "", 1).isdecimal():
            _usage()
        interval = float(value)
    if words and words[0] == "--":
        words.pop(0)
    if len(words) > 1:
        _usage()
    return (words[0] if words else None), interval


def _usage() -> None:
    sys.stderr.write(f"svscan: {USAGE}\n")
    sys.exit(100)
