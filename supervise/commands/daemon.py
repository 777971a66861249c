"""What the two daemons do before all else, and how they fail."""

import contextlib
import os
import sys
from typing import NoReturn

from supervise.engine.messages import printable
from supervise.engine.signals import open_standard_descriptors
from supervise.protocol.errors import text

SYSTEM_TROUBLE = 111


def prepare() -> None:
    """So that nothing of ours gets a number that belongs to a standard descriptor."""
    open_standard_descriptors()


def fail(program: str, what: str) -> NoReturn:
    line = printable(os.fsencode(f"{program}: fatal: {what}"))
    with contextlib.suppress(OSError):
        os.write(2, line + b"\n")
    sys.exit(SYSTEM_TROUBLE)


def enter(program: str, directory: str) -> None:
    """Make it the working directory."""
    try:
        os.chdir(directory)
    except OSError as error:
        fail(program, f"unable to chdir to {directory}: {text(error)}")
