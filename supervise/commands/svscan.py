"""svscan [DIR]: supervise everything in a scan directory."""

import os
import sys

from supervise.commands import plain
from supervise.commands.seconds import seconds_of

USAGE = "usage: svscan [--interval=SECONDS] [dir]"


def main() -> None:
    plain.begin()
    trial, words = plain.on_trial(sys.argv[1:])
    directory, interval = _arguments(words)
    from supervise.commands.daemon import enter, fail, prepare
    from supervise.engine.checked import UnusableError
    from supervise.engine.host import Host
    from supervise.engine.svscan import Svscan
    from supervise.protocol.errors import text

    heir, command = prepare("svscan", trial)
    if directory is not None and not heir.upgraded:
        enter("svscan", directory)
    try:
        home = heir.home or os.getcwdb()
        Svscan(Host(heir), home, interval, command).run()
    except UnusableError as error:
        fail("svscan", str(error))
    except OSError as error:
        fail("svscan", f"unable to use directory {directory or '.'}: {text(error)}")


def _arguments(words: list[str]) -> tuple[str | None, float]:
    interval = 0.0
    while words and words[0].startswith("--") and words[0] != "--":
        name, _, value = words.pop(0).partition("=")
        if name == "--help":
            plain.write(USAGE.encode() + b"\n")
            plain.end(0)
        if name != "--interval":
            _usage(USAGE)
        try:
            interval = seconds_of(value)
        except ValueError as error:
            _usage(f"usage: {error}")
    if words and words[0] == "--":
        words.pop(0)
    if len(words) > 1:
        _usage(USAGE)
    return (words[0] if words else None), interval


def _usage(line: str) -> None:
    plain.complain(os.fsencode(f"svscan: {line}"))
    plain.end(plain.USAGE)
