"""What the two daemons do before all else, and how they fail."""

import contextlib
import os
import sys
from typing import NoReturn

from supervise.engine import watch
from supervise.engine.heir import VARIABLE, Heir
from supervise.engine.messages import printable
from supervise.engine.signals import open_standard_descriptors
from supervise.protocol import handover
from supervise.protocol.errors import text

SYSTEM_TROUBLE = 111


def prepare(program: str, trial: str) -> tuple[Heir, list[bytes]]:
    """See that nothing of ours gets a number that belongs to a standard descriptor; what an older
    self has handed to us, and the command that starts us, from wherever.

    :param trial: the descriptor of a hand-over, where we are only tried: then this is the end.
    """
    open_standard_descriptors()
    if trial:
        _try(program, trial)
    return _inherit(program), _command()


def _try(program: str, descriptor: str) -> NoReturn:
    """Import what the loop would import after its start, and see what is to be taken over."""
    if os.environ.get("NOTIFY_SOCKET"):
        import sdnotify  # noqa: F401
    try:
        watch.library()
        handover.unpack(_content(descriptor))
    except (OSError, ValueError) as error:
        fail(program, f"unable to take over: {error}")
    os.write(1, handover.FIT + b"\n")
    sys.exit(0)


def _command() -> list[bytes]:
    path, *arguments = map(os.fsencode, sys.argv)
    with contextlib.suppress(OSError):  # where the working directory is gone
        path = os.path.abspath(path)
    return [path, *arguments]


def _inherit(program: str) -> Heir:
    descriptor = os.environ.pop(VARIABLE, "")
    if not descriptor:
        return Heir()
    try:
        heir = Heir(_content(descriptor))
    except (OSError, ValueError) as error:
        complain(program, f"warning: {VARIABLE}={descriptor} is not usable: {error}")
        return Heir()
    if heir.trouble:
        complain(program, f"warning: upgraded, and going on from what is on disk: {heir.trouble}")
    return heir


def _content(descriptor: str) -> bytes:
    with open(int(descriptor), "rb") as file:
        file.seek(0)
        return file.read()


def fail(program: str, what: str) -> NoReturn:
    complain(program, f"fatal: {what}")
    sys.exit(SYSTEM_TROUBLE)


def complain(program: str, what: str) -> None:
    line = printable(os.fsencode(f"{program}: {what}"))
    with contextlib.suppress(OSError):
        os.write(2, line + b"\n")


def enter(program: str, directory: str) -> None:
    """Make it the working directory."""
    try:
        os.chdir(directory)
    except OSError as error:
        fail(program, f"unable to chdir to {directory}: {text(error)}")
