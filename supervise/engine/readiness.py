"""The FIFO behind `notification-fd`: a newline through it says that the service is ready.

The service holds it at both ends, so a supervisor that dies takes nothing away from it.
"""

import contextlib
import os
from collections.abc import Callable

from supervise.engine import kernel
from supervise.engine.checked import waiting_bytes
from supervise.engine.loop import Loop


class Readiness:
    """Listens until the newline has come, once.

    :param fd: the FIFO, which is ours to close.
    """

    __slots__ = ("_loop", "_ready", "fd")

    def __init__(self, loop: Loop, fd: int, ready: Callable[[], None]) -> None:
        self._loop = loop
        self._ready = ready
        self.fd = fd
        loop.add(self.fd, self._read)

    def drain(self) -> None:
        """What an earlier instance wrote counts no more. Only what is there now is read: one that
        writes without end would keep us for ever."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.fd, waiting_bytes(self.fd))

    def _read(self, _: int) -> None:
        """The newline stays in the FIFO: it is recorded first, and would be lost to a successor if
        we died in between."""
        data = kernel.peek(self.fd, 65536)
        if b"\n" in data:
            self._loop.remove(self.fd)
            self._ready()
            self.close()
        elif data:
            os.read(self.fd, len(data))

    def close(self) -> None:
        if self.fd >= 0:
            self._loop.remove(self.fd)
            os.close(self.fd)
            self.fd = -1
