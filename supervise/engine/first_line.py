"""The first line that a start-check prints: the reason that is shown."""

import contextlib
import os

from supervise.engine.loop import Loop
from supervise.engine.messages import legible
from supervise.protocol.record import REASON_SIZE


class FirstLine:
    """All is read, so that the writer never waits, and little is kept.

    :param fd: the reading end of a pipe, non-blocking, which is ours to close.
    :param data: what was read from it before.
    """

    def __init__(self, loop: Loop, fd: int, data: bytes = b"") -> None:
        """:raises OSError: where it cannot be listened to; then it is closed."""
        self._loop = loop
        self.fd = fd
        self.data = data
        loop.take(fd, self._read)

    def _read(self, _: int) -> None:
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove(self.fd)
        self.data = (self.data + data)[: 4 * REASON_SIZE]

    def close(self) -> str:
        """What came until now. Whoever still has the other end loses its reader."""
        with contextlib.suppress(OSError):
            self._read(0)
        self._loop.remove(self.fd)
        os.close(self.fd)
        line = self.data.strip().split(b"\n", 1)[0].replace(b"\t", b" ")
        return legible(line[:REASON_SIZE])
