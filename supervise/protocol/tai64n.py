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
    seconds, rest = divmod(nanoseconds, _BILLION)
    return (_EPOCH + seconds).to_bytes(8, "big") + rest.to_bytes(4, "big")


def unpack(stamp: bytes) -> int:
    """Nanoseconds since 1970; negative where the stamp lies before."""
    seconds = int.from_bytes(stamp[:8], "big") - _EPOCH
    return seconds * _BILLION + int.from_bytes(stamp[8:12], "big")
