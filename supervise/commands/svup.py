"""svup: whether a service is up, as daemontools-encore."""

import os
import sys

from supervise.commands import plain
from supervise.commands.svok import probe
from supervise.protocol import client, status

HELP = b"""usage: svup dir
Exit 0 where the service is up, 100 where it is down or not supervised, 111 where that cannot be
told.
"""


def main() -> None:
    plain.begin()
    plain.end(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    if not args:
        plain.complain(b"svup: usage: svup dir")
        return plain.USAGE
    if len(args[0]) > 2 and args[0].startswith("--"):
        return plain.long_option("svup", HELP, args[0])
    directory = os.fsencode(args[0])
    return probe(b"svup", directory) or up(directory)


def up(directory: bytes) -> int:
    """0 where the status has a pid, 100 where it has none, else 111 and why."""
    try:
        _since, pid, _paused, _want = status.unpack(client.read_status(directory))
    except OSError as error:
        why = plain.because(error)
    except ValueError as error:
        why = str(error).encode()
    else:
        return 0 if pid else plain.USAGE
    plain.complain(b"svup: fatal: unable to read %s/supervise/status: %s" % (directory, why))
    return plain.TROUBLE
