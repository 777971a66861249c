"""supervise DIR: supervise one service directory."""

import os
import sys


def main() -> None:
    words = sys.argv[1:]
    if len(words) != 1 or not words[0]:
        sys.stderr.write("supervise: usage: supervise dir\n")
        sys.exit(100)
    from supervise.commands.daemon import fail, prepare

    prepare()
    given = words[0]
    try:
        os.chdir(given)
    except OSError as error:
        fail("supervise", f"unable to chdir to {given}", error)
    from supervise.engine.checked import UnusableError
    from supervise.engine.host import Host
    from supervise.engine.lone import Lone

    try:
        Lone(Host(), os.getcwdb(), os.fsencode(given)).run()
    except UnusableError as error:
        sys.stderr.write(f"supervise: fatal: {error}\n")
        sys.exit(111)
