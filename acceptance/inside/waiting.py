"""Waiting for what must come, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LOOK_EVERY = 0.02  # seconds


class LateError(AssertionError):
    """What was waited for did not come in time."""


def until(what: str, look: Callable[[], T], seconds: float) -> T:
    """The first true value of `look`. Raises LateError, with `what`, after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise LateError(f"not within {seconds:g} s: {what}")
        time.sleep(LOOK_EVERY)
    return found
