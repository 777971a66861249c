"""Whether a recorded process is still the same one."""


def boot_id() -> bytes:
    """The sixteen bytes that name this boot; empty where /proc does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return bytes.fromhex(file.read().strip().replace("-", ""))
    except OSError:
        return b""


def runs(pid: int, ticks: int) -> bool:
    """Whether the process lives that started at this time, in clock ticks since the boot."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return False
    return fields[0] not in (b"Z", b"X") and int(fields[19]) == ticks
