"""svscan [DIR]: supervise everything in a scan directory."""

import os
import sys

from supervise.commands import plain
from supervise.commands.seconds import seconds_of

HELP = b"""usage: svscan [--interval=SECONDS] [dir]
Supervise every service in dir (default: the current directory).
--interval: also scan every so many seconds, where inotify does not see all.
TERM, INT: take all down and exit. HUP: scan now. QUIT: exit and leave everything running.
USR2: become the program file as it is now.
"""


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
        plain.end(0)
    except UnusableError as error:
        fail("svscan", str(error))
    except OSError as error:
        fail("svscan", f"unable to use directory {directory or '.'}: {text(error)}")


def _arguments(words: list[str]) -> tuple[str | None, float]:
    interval = 0.0
    while words and words[0].startswith("--") and words[0] != "--":
        name, _, value = words.pop(0).partition("=")
        if name != "--interval":
            plain.end(plain.long_option("svscan", HELP, name))
        try:
            interval = seconds_of(value)
        except ValueError as error:
            plain.end(plain.refuse("svscan", str(error)))
    if words and words[0] == "--":
        words.pop(0)
    if len(words) > 1:
        plain.end(plain.refuse("svscan", "one directory is wanted"))
    return (words[0] if words else None), interval
