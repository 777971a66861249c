"""`supervise/status`: the 18 bytes of daemontools 0.76.

    0..11   TAI64N of the last start or death
    12..15  pid, little-endian, 0 when down
    16      1 when paused
    17      what is wanted: `u` up, `d` down, 0 once

daemontools-encore and runit write 20 bytes of which the first 18 mean the same.
"""

SIZE = 18

UP, DOWN, ONCE = "up", "down", "once"

_WANTS = {UP: b"u", DOWN: b"d", ONCE: b"\0"}
_WANT_OF = {ord("u"): UP, ord("d"): DOWN, 0: ONCE}


def pack(since: bytes, pid: int, paused: bool, want: str) -> bytes:
    return since + pid.to_bytes(4, "little") + (b"\1" if paused else b"\0") + _WANTS[want]


def unpack(data: bytes) -> tuple[bytes, int, bool, str]:
    """Since, pid, paused and want.

    :raises ValueError: where the data is cut short. An unknown want reads as once, which is how
        0.76 treats it.
    """
    if len(data) < SIZE:
        raise ValueError("bad format")
    pid = int.from_bytes(data[12:16], "little")
    return data[:12], pid, data[16] != 0, _WANT_OF.get(data[17], ONCE)
