"""Waiting for what comes within a few milliseconds."""

import time
from collections.abc import Callable

from tests.support.scan import DEADLINE

_PAUSE = 0.001


def soon(look: Callable[[], object], what: Callable[[], str] | str) -> None:
    """Until `look` returns something true; fails with `what` when that does not come."""
    end = time.monotonic() + DEADLINE
    while not look():
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {what if isinstance(what, str) else what()}")
        time.sleep(_PAUSE)
