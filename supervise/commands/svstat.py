"""svstat: one line a service, to the letter as daemontools 0.76; `--json` for all that is known."""

import os
import sys
from errno import ENXIO
from time import time

from supervise.commands import plain
from supervise.protocol import client, status, tai64n

HELP = b"""usage: svstat [--json] dir ...
Print a line about each service, with --json a JSON object.
"""
NOT_RUNNING = b"supervise not running"


def main() -> None:
    plain.begin()
    plain.end(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    if args and len(args[0]) > 2 and args[0].startswith("--"):
        return _long(args)
    now = int(time())
    plain.write(b"".join([_line(os.fsencode(directory), now) for directory in args]))
    return 0


def _long(args: list[str]) -> int:
    if args[0] != "--json":
        return plain.long_option("svstat", HELP, args[0])
    from supervise.commands.report import report

    return report([os.fsencode(directory) for directory in args[1:]])


def _line(directory: bytes, now: int) -> bytes:
    try:
        normally_up = client.normally_up(directory)
        os.close(client.open_ok(directory))
        since, pid, paused, want = status.unpack(client.read_status(directory))
    except (OSError, ValueError) as error:
        return b"%s: %s\n" % (directory, trouble(directory, error))
    seconds = max(now - tai64n.seconds(since), 0)
    if pid:
        state = b"up (pid %d) %d seconds" % (pid, seconds)
        state += b"" if normally_up else b", normally down"
        state += b", paused" if paused else b""
        state += b", want down" if want == status.DOWN else b""
    else:
        state = b"down %d seconds" % seconds
        state += b", normally up" if normally_up else b""
        state += b", want up" if want == status.UP else b""
    return b"%s: %s\n" % (directory, state)


def trouble(directory: bytes, error: Exception) -> bytes:
    """Why there is no line about the directory: the steps of 0.76, in its order.

    :param error: what has failed; it may be over.
    """
    if isinstance(error, OSError) and error.errno == ENXIO:
        return NOT_RUNNING
    step = b"chdir"
    try:
        client.enter(directory)
        step = b"stat down"
        client.normally_up(directory)
        step = b"open supervise/ok"
        os.close(client.open_ok(directory))
        step = b"open supervise/status"
        client.read_status(directory)
    except OSError as again:
        return b"unable to %s: %s" % (step, plain.because(again))
    if isinstance(error, OSError):
        return b"unable to look at it: " + plain.because(error)
    return b"unable to read supervise/status: bad format"
