"""What has changed in the `supervise/` of services: told by the kernel, not found by looking.

Whether somebody still supervises is told by a descriptor held open on `supervise/ok`: it has an
error as soon as nobody reads there any more. inotify tells that too, but before it is true.
"""

import select

from supervise.engine import watch

_LOOK_AT = watch.MODIFY | watch.MOVED_TO | watch.CREATE
_READ = 0x1
"""IN_ACCESS: somebody has read from the control FIFO."""
INTERVAL = 0.1
"""Seconds between two looks where inotify cannot be had."""


class Changes:
    """Services are known by the descriptor that their caller holds on `supervise/ok`."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._services: set[int] = set()
        self._watches: dict[int, set[int]] = {}
        self._watcher: watch.Watcher | None = None
        try:
            self._watcher = watch.Watcher()
            self._poll.register(self._watcher.fileno(), select.EPOLLIN)
        except OSError:
            pass

    def add(self, ok: int, directory: bytes) -> None:
        """Tell from now on of this service.

        :raises OSError: where that is not possible.
        """
        self._poll.register(ok, 0)
        self._services.add(ok)
        self._watch(ok, directory + b"/supervise", _LOOK_AT)

    def add_reading(self, ok: int, directory: bytes) -> None:
        """Tell also when its supervisor reads letters."""
        self._watch(ok, directory + b"/supervise/control", _READ)

    def _watch(self, ok: int, path: bytes, mask: int) -> None:
        if self._watcher is None:
            return
        try:
            self._watches.setdefault(self._watcher.add(path, mask), set()).add(ok)
        except OSError:  # no watch left in this system: look at all, from time to time
            self._poll.unregister(self._watcher.fileno())
            self._watcher.close()
            self._watcher = None

    def drop(self, ok: int) -> None:
        """Tell no longer of this service."""
        if ok in self._services:
            self._services.remove(ok)
            self._poll.unregister(ok)

    def wait(self, seconds: float | None) -> tuple[set[int], set[int]]:
        """Wait until something has changed, or the time is over.

        Returns the services to look at, and those that nobody supervises any more.
        """
        if self._watcher is None:
            seconds = INTERVAL if seconds is None else min(seconds, INTERVAL)
        ready = self._poll.poll(seconds)
        lost = {fd for fd, _ in ready if fd in self._services}
        return self._changed() - lost, lost

    def _changed(self) -> set[int]:
        if self._watcher is None:
            return set(self._services)
        found: set[int] = set()
        for event in self._watcher.read():
            if event.mask & watch.OVERFLOW:
                return set(self._services)
            found |= self._watches.get(event.watch, set())
        return found & self._services
