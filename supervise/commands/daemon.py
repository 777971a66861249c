"""What the two daemons do before all else, and how they fail."""

import os
import signal
import sys
from typing import NoReturn

from supervise.engine.signals import open_standard_descriptors
from supervise.protocol.errors import text

SYSTEM_TROUBLE = 111


def prepare() -> None:
    """Until signals are served, INT ends us as it ends a C program, without a traceback."""
    open_standard_descriptors()
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def fail(program: str, what: str, error: OSError) -> NoReturn:
    line = f"{program}: fatal: {what}: {text(error)}\n"
    os.write(2, line.encode("utf-8", "surrogateescape"))
    sys.exit(SYSTEM_TROUBLE)
