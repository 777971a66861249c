"""TAI64N time stamps: the twelve bytes that daemontools 0.76 puts before the pid in `status`.

Eight bytes of seconds, big-endian, counted from 2^62 at 1970 plus ten leap seconds (0.76 has no
leap second table), then four bytes of nanoseconds, big-endian.
"""

SIZE = 12
NONE = bytes(SIZE)

_EPOCH = 4611686018427387914
_BILLION = 1_000_000_000


def pack(nanoseconds: int) -> bytes:
    """The stamp of a wall-clock time, given in nanoseconds since 1970."""
    whole, rest = divmod(nanoseconds, _BILLION)
    return (_EPOCH + whole).to_bytes(8, "big") + rest.to_bytes(4, "big")


def unpack(stamp: bytes) -> int:
    """Nanoseconds since 1970; negative where the stamp lies before."""
    return seconds(stamp) * _BILLION + int.from_bytes(stamp[8:12], "big")


def seconds(stamp: bytes) -> int:
    """Whole seconds since 1970; negative where the stamp lies before."""
    return int.from_bytes(stamp[:8], "big") - _EPOCH
