"""supervise DIR: supervise one service directory."""

import os
import sys

from supervise.commands import plain

HELP = b"""usage: supervise dir
Supervise the service in dir. TERM, INT: stop it and exit. QUIT: exit and leave it running.
USR2: become the program file as it is now.
"""


def main() -> None:
    plain.begin()
    trial, words = plain.on_trial(sys.argv[1:])
    if words and len(words[0]) > 2 and words[0].startswith("--"):
        plain.end(plain.long_option("supervise", HELP, words[0]))
    if len(words) != 1 or not words[0]:
        plain.complain(b"supervise: usage: supervise dir")
        plain.end(plain.USAGE)
    from supervise.commands.daemon import enter, fail, prepare
    from supervise.engine.checked import UnusableError
    from supervise.engine.host import Host
    from supervise.engine.lone import Lone
    from supervise.protocol.errors import text

    given = words[0]
    heir, command = prepare("supervise", trial)
    if not heir.upgraded:
        enter("supervise", given)
    try:
        Lone(Host(heir), heir.home or os.getcwdb(), os.fsencode(given), command).run()
        plain.end(0)
    except UnusableError as error:
        fail("supervise", str(error))
    except OSError as error:
        fail("supervise", f"unable to use directory {given}: {text(error)}")
