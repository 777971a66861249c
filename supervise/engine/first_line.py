"""The first line that a start-check prints: the reason that is shown."""

import contextlib
import os

from supervise.engine.loop import Loop
from supervise.protocol.record import REASON_SIZE


class FirstLine:
    """A pipe whose reading end is ours. All is read, so that the writer never waits."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._data = b""
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read_end, False)
        loop.add(self._read_end, self._read)

    def started(self) -> None:
        """The writer has its end now."""
        os.close(self.write_end)
        self.write_end = -1

    def _read(self, _: int) -> None:
        try:
            data = os.read(self._read_end, 65536)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove(self._read_end)
        self._data = (self._data + data)[: 4 * REASON_SIZE]

    def close(self) -> str:
        """What came until now. Whoever still has the other end loses its reader."""
        with contextlib.suppress(OSError):
            self._read(0)
        self._loop.remove(self._read_end)
        os.close(self._read_end)
        if self.write_end >= 0:
            os.close(self.write_end)
        line = self._data.strip().split(b"\n", 1)[0]
        return line[:REASON_SIZE].decode("utf-8", "replace")
