"""On which way each link of the scan directory leads to its service, and that it leads elsewhere.

A service directory may be replaced behind its link, or a link that its link leads through be
switched; the scan directory tells nothing of that. So the directories are watched in which a change
makes it so: those that contain a link on the way, and the one that contains where it ends. Each is
watched once, for all services. Directories in the midst of a way are not: whoever replaces one of
those sends HUP.
"""

import errno
import os
from collections.abc import Callable
from typing import NamedTuple

from supervise.engine import watch
from supervise.engine.notices import Notice, Notices

Step = tuple[bytes, bytes]
"""A directory, by its real path, and the entry of it through which a way leads."""

_CHANGED = watch.CREATE | watch.MOVED_FROM | watch.MOVED_TO | watch.DELETE
_ENDED = watch.DELETE_SELF | watch.MOVE_SELF | watch.UNMOUNT | watch.IGNORED
_MASK = _CHANGED | watch.DELETE_SELF | watch.MOVE_SELF | watch.ONLYDIR

_MOST_LINKS = 40
"""On one way: as the kernel."""


class _Road(NamedTuple):
    """The links on it, where it ends, and whether there is nothing at its end, or no end."""

    steps: tuple[Step, ...]
    end: bytes
    broken: bool


class _Post:
    """A directory that is watched, if it can be: the names that lead through each entry."""

    def __init__(self) -> None:
        self.notice: Notice | None = None
        self.names: dict[bytes, list[bytes]] = {}


class Ways:
    """Until `begin`, and where no watch can be had, nothing is watched and nothing is said.

    :param look: told of a name that may lead elsewhere now: to what was moved there, or by a link.
    :param fill: the same, where it may also be a directory that is made just now.
    """

    def __init__(
        self,
        notices: Notices,
        home: bytes,
        look: Callable[[bytes], None],
        fill: Callable[[bytes], None],
    ) -> None:
        self._notices = notices
        self._home = home
        self._real_home = b""
        self._look = look
        self._fill = fill
        self._ways: dict[bytes, tuple[Step, ...]] = {}
        self._posts: dict[bytes, _Post] = {}
        self._roads: dict[bytes, _Road] = {}

    def begin(self) -> None:
        """Before every name is looked at: forget all, also what has changed unseen."""
        self.close()
        self._real_home = os.path.realpath(self._home)

    def close(self) -> None:
        for name in list(self._ways):
            self.forget(name)
        self._roads.clear()
        self._real_home = b""

    def follow(self, name: bytes) -> None:
        """Watch its way as it is now, before it is looked at. What has changed before there was a
        watch is not told, so what is watched only now is gone once more."""
        while self._real_home and self._set(name, self._way(name)):
            self._roads.clear()

    def forget(self, name: bytes) -> None:
        self._set(name, ())

    # Which way

    def _way(self, name: bytes) -> tuple[Step, ...]:
        """Empty where the name is no link. Most links lead into the same few directories, so the
        road up to there is gone once for all."""
        try:
            target = os.readlink(self._real_home + b"/" + name)
        except OSError:
            return ()
        above, last = os.path.split(target.rstrip(b"/") or b"/")
        road = self._roads.get(above) or _walk(self._real_home, above)
        steps = road.steps
        if not road.broken:
            self._roads[above] = road
            road = _walk(road.end, last)
            steps += road.steps
        end = os.path.split(road.end)
        return tuple(dict.fromkeys((*steps, end) if end[1] else steps))

    # What is watched

    def _set(self, name: bytes, way: tuple[Step, ...]) -> bool:
        """Whether something is watched for it that was not before."""
        before = self._ways.pop(name, ())
        if way:
            self._ways[name] = way
        news = [self._enter(name, *step) for step in way if step not in before]
        for step in before:
            if step not in way:
                self._leave(name, *step)
        return any(news)

    def _enter(self, name: bytes, directory: bytes, entry: bytes) -> bool:
        post = self._posts.get(directory)
        new = post is None
        if post is None:
            post = self._posts[directory] = _Post()
            try:
                post.notice = self._notices.add(
                    directory, _MASK, lambda mask, entry: self._seen(post, mask, entry)
                )
            except OSError:
                new = False
        post.names.setdefault(entry, []).append(name)
        return new

    def _leave(self, name: bytes, directory: bytes, entry: bytes) -> None:
        post = self._posts[directory]
        post.names[entry].remove(name)
        if not post.names[entry]:
            del post.names[entry]
        if not post.names:
            del self._posts[directory]
            if post.notice is not None:
                self._notices.remove(post.notice)

    # What happens

    def _seen(self, post: _Post, mask: int, entry: bytes) -> None:
        """Others may watch the same directory, so we are told also what we have not asked for."""
        if mask & (_ENDED | watch.OVERFLOW):
            names = list(dict.fromkeys(name for some in post.names.values() for name in some))
            for name in names:
                self.forget(name)
        elif mask & _CHANGED:
            names = list(post.names.get(entry, ()))
        else:
            return
        if names:
            self._roads.clear()
        whole = mask & watch.MOVED_TO or (mask & _CHANGED and not mask & watch.ISDIR)
        for name in names:
            (self._look if whole else self._fill)(name)


def _walk(start: bytes, path: bytes) -> _Road:
    """As the kernel goes, from a directory whose path is real; a broken one up to what lacks."""
    steps: list[Step] = []
    here, parts = start, _parts(path)
    if path.startswith(b"/"):
        here = b"/"
    while parts:
        part = parts.pop()
        if part == b"..":
            here = os.path.dirname(here)
            continue
        there = os.path.join(here, part)
        try:
            target = os.readlink(there)
        except OSError as error:
            here = there
            if error.errno == errno.EINVAL:  # there, and no link
                continue
            return _Road(tuple(steps), here, True)
        steps.append((here, part))
        if len(steps) > _MOST_LINKS:
            return _Road(tuple(steps), there, True)
        parts += _parts(target)
        if target.startswith(b"/"):
            here = b"/"
    return _Road(tuple(steps), here, False)


def _parts(path: bytes) -> list[bytes]:
    """The last one first."""
    return [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]
