"""Lines for standard error, in the classic grammar, written without ever waiting for a reader.

What does not go out is dropped and counted, and the count is told when lines go out again.
"""

import contextlib
import fcntl
import os
import select
import stat
from collections.abc import Callable

_CONTROL = bytes(range(32)) + b"\x7f"
_PRINTABLE = bytes(ord("?") if byte in _CONTROL else byte for byte in range(256))


def printable(name: bytes) -> bytes:
    """A name that cannot break a line or a terminal: some obey control characters in UTF-8 too."""
    if name.isascii():
        return name.translate(_PRINTABLE)
    shown = name.decode("utf-8", "replace")
    return "".join(
        one if one.isprintable() and one != "\N{REPLACEMENT CHARACTER}" else "?" for one in shown
    ).encode()


def legible(name: bytes) -> str:
    """`printable`, as text for a line."""
    return os.fsdecode(printable(name))


class Messages:
    def __init__(self, fd: int = 2) -> None:
        self._write = _writer(fd)
        self._lost = 0

    def say(self, text: bytes) -> None:
        """One line, without its end."""
        if self._lost and self._try(b"supervise: warning: %d messages were lost" % self._lost):
            self._lost = 0
        if not self._try(text):
            self._lost += 1

    def _try(self, text: bytes) -> bool:
        try:
            self._write(text + b"\n")
        except OSError:
            return False
        return True


def _writer(fd: int) -> Callable[[bytes], object]:
    """How to write to this descriptor without blocking.

    O_NONBLOCK on the descriptor itself would also hold for everybody who shares it, our services
    among them. So it is opened anew; a socket, which cannot be, has a flag for each call.
    """
    mode = os.fstat(fd).st_mode
    if stat.S_ISSOCK(mode):
        import socket  # it takes a while, and is seldom needed

        peer = socket.socket(fileno=os.dup(fd))
        return lambda data: peer.send(data, socket.MSG_DONTWAIT)
    if stat.S_ISREG(mode):
        _let_append(fd)
    try:
        own = os.open(b"/proc/self/fd/%d" % fd, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    except OSError:
        return lambda data: _write_if_ready(fd, data)
    return lambda data: os.write(own, data)


def _let_append(fd: int) -> None:
    """A file that was opened without it (`2>file`): the services write there too, each party
    would begin where it stopped itself, and write over what the other wrote meanwhile."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)


def _write_if_ready(fd: int, data: bytes) -> None:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if not poll.poll(0):
        raise BlockingIOError
    os.write(fd, data)
