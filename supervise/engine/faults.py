"""Faults that are no service's: one of ours that no guard has caught."""

import time
from collections.abc import Callable

from supervise.engine.checked import UnusableError

_MOST = 10
_SPAN = 1.0
"""So many within so many seconds end us."""


class Faults:
    """Said, and gone on from: what was asked for has failed, and all else is still to be done.

    What fails again and again at once ends us: a next supervisor finds all, and may fare better.
    """

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self._say = say
        self._times: list[float] = []

    def __call__(self, error: Exception) -> None:
        """:raises Exception: the same one, where we are to end."""
        now = time.monotonic()
        self._times = [when for when in self._times if when > now - _SPAN]
        if isinstance(error, UnusableError) or len(self._times) >= _MOST:
            raise error
        self._times.append(now)
        what = f"supervisor fault: {error!r} in {place_of(error)}"
        self._say("supervise", f"warning: {what}; going on")


def place_of(error: Exception) -> str:
    """Where it was raised, and whence that was called. Nothing is imported for it: the files may be
    of another version now."""
    places: list[str] = []
    place = error.__traceback__
    while place is not None:
        places.insert(0, f"{place.tb_frame.f_code.co_name}, line {place.tb_lineno}")
        place = place.tb_next
    return ", from ".join(places[:3]) or "nowhere"
