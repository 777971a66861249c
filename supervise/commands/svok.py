"""svok: whether somebody supervises a directory, as daemontools 0.76."""

import os
import sys

from supervise.commands import plain
from supervise.protocol import client

HELP = b"""usage: svok dir
Exit 0 where supervise runs in dir, 100 where it does not, 111 where that cannot be told.
"""


def main() -> None:
    plain.begin()
    plain.end(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    if not args:
        plain.complain(b"svok: usage: svok dir")
        return plain.USAGE
    if len(args[0]) > 2 and args[0].startswith("--"):
        return plain.long_option("svok", HELP, args[0])
    return probe(b"svok", os.fsencode(args[0]))


def probe(program: bytes, directory: bytes) -> int:
    """0 where somebody supervises, 100 without a word where not, else 111 and why."""
    try:
        os.close(client.open_ok(directory))
    except OSError as error:
        return _failed(program, directory, error)
    return 0


def _failed(program: bytes, directory: bytes, error: OSError) -> int:
    try:
        client.enter(directory)
    except OSError as outer:
        why = b"chdir to %s: %s" % (directory, plain.because(outer))
    else:
        if error.errno in client.NOBODY:
            return plain.USAGE
        why = b"open %s/supervise/ok: %s" % (directory, plain.because(error))
    plain.complain(b"%s: fatal: unable to %s" % (program, why))
    return plain.TROUBLE
