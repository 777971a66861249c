"""Waiting for a lock that somebody else holds, without asking again and again."""

import contextlib
from collections.abc import Callable

from supervise.core.situation import NEVER
from supervise.engine.host import Host, now
from supervise.engine.loop import Alarm
from supervise.engine.notices import Notice
from supervise.engine.watch import CLOSE_NOWRITE, CLOSE_WRITE

_FIRST = 0.005
_LAST = 1.0
"""Seconds. inotify tells of the closing just before the lock is free, so the first try comes a
moment later, and some more after it. Where inotify cannot be had the last one goes on for ever."""


class LockWait:
    """Calls `again` each time that the lock may have become free, until it is closed.

    :param path: what is locked, a file or a directory.
    """

    def __init__(self, host: Host, path: bytes, again: Callable[[], None]) -> None:
        self._host = host
        self._again = again
        self._alarm = Alarm(self._try)
        self._delay = _FIRST
        self._notice: Notice | None = None
        with contextlib.suppress(OSError):
            self._notice = host.notices.add(path, CLOSE_WRITE | CLOSE_NOWRITE, self._closed)
        self._set()

    def _set(self) -> None:
        self._host.loop.set(self._alarm, now() + self._delay)

    def _closed(self, mask: int, name: bytes) -> None:
        if not name:
            self._delay = _FIRST
            self._set()

    def _try(self) -> None:
        if self._delay < _LAST or self._notice is None:
            self._delay = min(2 * self._delay, _LAST)
            self._set()
        self._again()

    def close(self) -> None:
        self._host.loop.set(self._alarm, NEVER)
        if self._notice is not None:
            self._host.notices.remove(self._notice)
            self._notice = None
