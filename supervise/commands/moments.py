"""Points in time as people and programs read them."""

import time

from supervise.protocol import tai64n

_BILLION = 1_000_000_000


def iso(stamp: bytes) -> str | None:
    """A TAI64N stamp as UTC with nanoseconds; None where there is none, or it is out of range."""
    if stamp == tai64n.NONE:
        return None
    seconds, rest = divmod(tai64n.unpack(stamp), _BILLION)
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"
    except (OverflowError, OSError, ValueError):
        return None


def ago(stamp: bytes) -> float | None:
    """Seconds since then, by the wall clock; none of them negative."""
    if stamp == tai64n.NONE:
        return None
    return round(max(time.time_ns() - tai64n.unpack(stamp), 0) / _BILLION, 6)
