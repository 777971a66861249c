"""One inotify instance for all that wants to know of changes, made when the first one asks."""

import contextlib
import os
from collections.abc import Callable, Iterable

from supervise.engine import watch
from supervise.engine.loop import Loop

Changed = Callable[[int, bytes], None]
"""Called with the mask and the name of what changed in the directory; the name is empty for the
directory itself, and after an overflow, when anything may have changed."""


_REMOVED = -1


class Notice:
    """One party that watches one thing."""

    __slots__ = ("changed", "watch")

    def __init__(self, watch: int, changed: Changed) -> None:
        self.watch = watch
        self.changed = changed


class Notices:
    """:raises OSError: from `add`, where inotify cannot be had."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._watcher: watch.Watcher | None = None
        self._parties: dict[int, list[Notice]] = {}

    def add(self, path: bytes, mask: int, changed: Changed) -> Notice:
        """Watch what is at the path now.

        The kernel has one watch for each thing, so parties that share it get each other's events.

        :raises OSError: where there is nothing, or no watch can be had.
        """
        number = self._start().add(path, mask | watch.MASK_ADD)
        notice = Notice(number, changed)
        self._parties.setdefault(number, []).append(notice)
        return notice

    def remove(self, notice: Notice) -> None:
        parties = self._parties.get(notice.watch, [])
        if notice in parties:
            parties.remove(notice)
        if not parties and self._parties.pop(notice.watch, None) is not None and self._watcher:
            self._watcher.remove(notice.watch)
        notice.watch = _REMOVED

    def _start(self) -> watch.Watcher:
        if self._watcher is None:
            self._watcher = watch.Watcher()
            self._loop.add(self._watcher.fileno(), self._read)
        return self._watcher

    def _read(self, _: int) -> None:
        if self._watcher is None:
            return
        for event in self._watcher.read():
            if event.mask & watch.OVERFLOW:
                self._tell_all(event.mask)
                continue
            self._tell(self._parties.get(event.watch, ()), event.mask, event.name)
            if event.mask & watch.IGNORED:
                self._watcher.forget(event.watch)
                self._parties.pop(event.watch, None)

    def _tell_all(self, mask: int) -> None:
        for parties in list(self._parties.values()):
            self._tell(parties, mask, b"")

    def _tell(self, parties: Iterable[Notice], mask: int, name: bytes) -> None:
        """But those that one of the others has removed meanwhile."""
        for notice in list(parties):
            if notice.watch != _REMOVED:
                notice.changed(mask, name)


class PathNotice:
    """Tells when something happens at a path, which need not exist: the nearest directory above
    it that does is watched, and the watch moves on as the path grows or breaks. Of a directory,
    what happens in it.

    :raises OSError: where nothing on the way can be watched.
    """

    def __init__(self, notices: Notices, path: bytes, changed: Callable[[], None]) -> None:
        self._notices = notices
        self._path = os.path.abspath(path)
        self._changed = changed
        self._notice: Notice | None = None
        self._part = b""
        self._watch()

    def _watch(self) -> None:
        directory, self._part = self._path, b""
        while True:
            try:
                mask = watch.CHANGES | watch.ONLYDIR
                self._notice = self._notices.add(directory, mask, self._seen)
            except OSError:
                if directory == b"/":
                    raise
            above = directory == os.path.dirname(self._path)
            if self._notice and (not self._part or above or not self._grown(directory)):
                return
            if self._notice is not None:
                self.close()
                directory, self._part = self._path, b""
            else:
                directory, self._part = os.path.split(directory)

    def _grown(self, directory: bytes) -> bool:
        """The next part of the path has come between our look and our watch."""
        return os.path.isdir(os.path.join(directory, self._part))

    def _seen(self, mask: int, name: bytes) -> None:
        if name and self._part and name != self._part:
            return
        self.close()
        with contextlib.suppress(OSError):
            self._watch()
        self._changed()

    def close(self) -> None:
        if self._notice is not None:
            self._notices.remove(self._notice)
            self._notice = None
