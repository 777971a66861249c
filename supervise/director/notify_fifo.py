"""keepalived's notify FIFO: what it says itself of its VRRP instances, where somebody reads it.

Each line is read once, by one reader: so nothing is read here that somebody else reads, and nobody
but `director observe` reads at all.
"""

import contextlib
import errno
import os
import re
import select
import stat

_LINE = re.compile(r'INSTANCE "([^"\n]{1,200})" ([A-Z][A-Z_]{1,30}) \d{1,5}\Z')
_FULL = 60000
"""Bytes: a FIFO holds 65536, and keepalived drops what finds no room. What comes out of a full one
is older than what is lost."""


def states(lines: list[str]) -> dict[str, str]:
    """The last state of each VRRP instance. What is no such line is passed over."""
    found = {}
    for line in lines:
        match = _LINE.match(line)
        if match:
            found[match[1]] = match[2]
    return found


class NotifyFifo:
    """Opened to read.

    :raises OSError: where it cannot be, or where it is no FIFO.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        if not stat.S_ISFIFO(os.stat(path).st_mode):
            raise OSError(errno.EINVAL, "no FIFO", path)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._rest = b""

    def fileno(self) -> int:
        return self._fd

    def tells(self) -> bool:
        """Whether there is something to be read, or nobody writes any more."""
        return bool(select.select([self._fd], [], [], 0)[0])

    def read(self) -> list[str] | None:
        """The lines that have come; None: nobody writes any more, and what is at the path may be
        another one now."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._fd, 65536):
                data += chunk
            return self._lines(data) or None
        return self._lines(data)

    def _lines(self, data: bytes) -> list[str]:
        if len(data) >= _FULL:
            self._rest = b""
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_FULL:]
        return [line.decode("utf-8", "replace") for line in lines]

    def other_reader(self, except_program: str) -> int:
        """The pid of a process that has it open to read too; 0: none. keepalived itself has, and
        does not."""
        ours = os.fstat(self._fd)
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            if int(pid) != os.getpid() and _program(pid) != except_program and _reads(pid, ours):
                return int(pid)
        return 0

    def close(self) -> None:
        os.close(self._fd)


def _program(pid: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def _reads(pid: str, wanted: os.stat_result) -> bool:
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found = os.stat(f"/proc/{pid}/fd/{fd}")
                if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                    return _access(pid, fd) != os.O_WRONLY
    return False


def _access(pid: str, fd: str) -> int:
    with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
        for line in file:
            if line.startswith("flags:"):
                return int(line.split()[1], 8) & os.O_ACCMODE
    return os.O_RDONLY
