"""Waiting for a lock that somebody else holds, without asking again and again."""

import contextlib
import fcntl
import os
from collections.abc import Callable

from supervise.core.situation import NEVER
from supervise.engine.checked import FLAGS, identity, identity_at
from supervise.engine.host import Host, now
from supervise.engine.loop import Alarm
from supervise.engine.notices import Notice
from supervise.engine.watch import CLOSE_NOWRITE, CLOSE_WRITE

_FIRST = 0.005
_LAST = 1.0
"""Seconds. inotify tells of the closing just before the lock is free, so the first try comes a
moment later, and some more after it. Where inotify cannot be had the last one goes on for ever."""


class LockWait:
    """Calls `again` when the lock may be free. Whoever finds it held then calls `go_on`.

    A try is made on a descriptor of our own that stays open: to open and close the file each time
    would wake us ourselves. So what is waited for is what was held, also where it was removed or
    replaced: as long as its holder lives, the service is supervised.

    :param path: what is locked, a file or a directory.
    """

    def __init__(self, host: Host, path: bytes, again: Callable[[], None]) -> None:
        self._host = host
        self.path = path
        self._again = again
        self._alarm = Alarm(self._try)
        self._delay = _FIRST
        self._fd = -1
        self._notice: Notice | None = None
        self._watch()

    def _watch(self) -> None:
        with contextlib.suppress(OSError):
            self._fd = os.open(self.path, os.O_RDONLY | FLAGS)
            opened = b"/proc/self/fd/%d" % self._fd
            mask = CLOSE_WRITE | CLOSE_NOWRITE
            self._notice = self._host.notices.add(opened, mask, self._closed)
        self._set()

    def go_on(self) -> bool:
        """It was found held once more. False where that is another one than is waited for."""
        if self._fd < 0:
            self._watch()
            return True
        return identity(os.fstat(self._fd)) == identity_at(self.path)

    def _set(self) -> None:
        self._host.loop.set(self._alarm, now() + self._delay)

    def _closed(self, mask: int, name: bytes) -> None:
        if not name:
            self._delay = _FIRST
            self._set()

    def _try(self) -> None:
        free = not self._is_held()
        if free:
            self._let_go()
        if self._delay < _LAST or self._notice is None:
            self._delay = min(2 * self._delay, _LAST)
            self._set()
        if free:
            self._again()

    def _is_held(self) -> bool:
        """Not where that cannot be told. What is free is ours until `_let_go`, in the same breath.

        Some file systems lock only for those who can write.
        """
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except (OSError, ValueError):
            return False
        return False

    def _let_go(self) -> None:
        """Of the watch first: our own closing is no news. The lock by itself, because a child that
        has not executed yet would hold it with the descriptor."""
        if self._notice is not None:
            self._host.notices.remove(self._notice)
            self._notice = None
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = -1

    def close(self) -> None:
        self._host.loop.set(self._alarm, NEVER)
        self._let_go()
