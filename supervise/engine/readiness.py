"""The FIFO behind `notification-fd`: a newline through it says that the service is ready.

The service holds it at both ends, so a supervisor that dies takes nothing away from it.
"""

import contextlib
import os
import select
import time
from collections.abc import Callable

from supervise.core.situation import NEVER
from supervise.engine import kernel
from supervise.engine.checked import waiting_bytes
from supervise.engine.loop import Loop

_AGAIN = 1.0
"""Seconds until what could not be read is looked at again."""


class Readiness:
    """Listens until the newline has come, once.

    :param fd: the FIFO, which is ours to close.
    """

    __slots__ = ("_again", "_loop", "_ready", "fd")

    def __init__(self, loop: Loop, fd: int, ready: Callable[[], None]) -> None:
        """:raises OSError: where it cannot be listened to; then it is closed."""
        self._loop = loop
        self._ready = ready
        self._again = loop.alarm(self._listen)
        self.fd = fd
        loop.take(fd, self._read)

    def drain(self) -> None:
        """What an earlier instance wrote counts no more. Only what is there now is read: one that
        writes without end would keep us for ever."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.fd, waiting_bytes(self.fd))

    def _read(self, _: int) -> None:
        """The newline stays in the FIFO: it is recorded first, and would be lost to a successor if
        we died in between."""
        try:
            data = kernel.peek(self.fd, 65536)
        except OSError:  # no descriptors for it just now
            self._loop.change(self.fd, 0)
            self._loop.set(self._again, time.monotonic() + _AGAIN)
            return
        if b"\n" in data:
            self._loop.remove(self.fd)
            self._ready()
            self.close()
        elif data:
            os.read(self.fd, len(data))

    def _listen(self) -> None:
        self._loop.change(self.fd, select.EPOLLIN)

    def close(self) -> None:
        if self.fd >= 0:
            self._loop.set(self._again, NEVER)
            self._loop.remove(self.fd)
            os.close(self.fd)
            self.fd = -1
