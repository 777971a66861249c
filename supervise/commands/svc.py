"""svc: send control letters, as daemontools 0.76, with the letters that encore added."""

import os
import sys
from errno import ENXIO

from supervise.commands import plain
from supervise.protocol import client

LETTERS = b"udopchaitkxq12w"
OPTIONS = b"""svc options: u up, d down, o once, x exit, p pause, c continue, \
h hup, a alarm, i interrupt, t term, k kill"""
HELP = b"""usage: svc [-udopchaitkxq12w] [--wait[=SECONDS]] dir ...
u up, d down, o once, x exit, p pause, c continue, and signals: h hup, a alarm, i interrupt,
t term, k kill, q quit, 1 usr1, 2 usr2, w winch.
--wait: return when it has happened; exit 1 where it cannot happen any more, 99 where it did not
in time, 102 where supervise does not run.
"""


def main() -> None:
    plain.begin()
    plain.end(run([os.fsencode(argument) for argument in sys.argv[1:]]))


def run(args: list[bytes]) -> int:
    letters = b""
    wait = None
    while args and args[0].startswith(b"-") and args[0] != b"-":
        option = args.pop(0)
        if option == b"--":
            break
        if option.startswith(b"--"):
            if option.partition(b"=")[0] != b"--wait":
                return plain.long_option("svc", HELP, os.fsdecode(option))
            wait = option
            continue
        for number in option[1:]:
            letter = bytes((number,))
            if letter not in LETTERS:
                plain.complain(b"svc: illegal option -- %s\n%s" % (letter, OPTIONS))
                return plain.USAGE
            if letter not in letters:
                letters += letter
    if wait is not None:
        return _wait(wait, letters, args)
    for directory in args:
        deliver(directory, letters)
    return 0


def _wait(option: bytes, letters: bytes, directories: list[bytes]) -> int:
    from supervise.commands import svcwait

    return svcwait.run(option, letters, directories)


def deliver(directory: bytes, letters: bytes) -> None:
    """Send the letters; where that fails, say why: 0.76 warns, and exits 0."""
    try:
        control = client.open_control(directory)
    except OSError as error:
        warn(directory, error)
        return
    send(directory, control, letters)
    os.close(control)


def send(directory: bytes, control: int, letters: bytes) -> None:
    """All letters in one write."""
    try:
        if letters:
            os.write(control, letters)
    except OSError as error:
        why = plain.because(error)
        plain.complain(b"svc: warning: error writing commands to %s: %s" % (directory, why))


def warn(directory: bytes, error: OSError) -> None:
    """Say why the control FIFO could not be opened."""
    try:
        client.enter(directory)
    except OSError as outer:
        why = b"chdir to %s: %s" % (directory, plain.because(outer))
    else:
        gone = error.errno == ENXIO
        reason = b"supervise not running" if gone else plain.because(error)
        why = b"control %s: %s" % (directory, reason)
    plain.complain(b"svc: warning: unable to " + why)
