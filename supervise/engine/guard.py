"""A fault in one service stays its own: whoever tells it something, the loop first, goes on."""

import select
from collections.abc import Callable
from typing import Generic, ParamSpec

from supervise.engine.checked import Identity
from supervise.engine.children import Children
from supervise.engine.handling import Handling
from supervise.engine.host import Host
from supervise.engine.loop import Alarm, Handler, Loop
from supervise.engine.notices import Changed, Notice, Notices
from supervise.engine.spawn import Outcome, Program, Spawner

P = ParamSpec("P")

_OF_LETTERS = "read"
"""The step in which letters are read and obeyed."""


class Guard:
    """What cannot be caught is noted: that the service was in hand.

    :param fault: told of every exception of what is guarded.
    """

    __slots__ = ("_about", "_fault", "_handling")

    def __init__(
        self, fault: Callable[[Exception], None], handling: Handling, identity: Identity
    ) -> None:
        self._fault = fault
        self._handling = handling
        self._about = handling.about(identity)

    def __call__(self, callback: Callable[P, None]) -> Callable[P, None]:
        return _Guarded(self, callback)

    def run(self, callback: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        step = callback.__name__.strip("_")
        before = self._handling.enter(self.note(step))
        try:
            callback(*args, **kwargs)
            if step == _OF_LETTERS:
                self._handling.well(self.note(step))
        except Exception as error:
            self._fault(error)
        finally:
            self._handling.leave(before)

    def well(self) -> None:
        """The service is at rest: whoever died when it was in hand did not die of it. Unless it was
        of a letter: that is known when the next one has been read."""
        if not self._handling.suspects(self.note(_OF_LETTERS)):
            self._handling.well(self._about)

    def got_on(self, starts: int) -> None:
        """What was to be done is done, and so often it was started: who dies from now on does not
        die of what the one before died of."""
        if self._handling.suspects(self._about) and self._handling.now.startswith(self._about):
            self._handling.enter(self.note(f"keep, starts: {starts}"))

    def note(self, step: str) -> bytes:
        return self._about + step.encode()


class _Guarded(Generic[P]):
    """There are several for each service, and a closure takes four times the room."""

    __slots__ = ("_callback", "_guard")

    def __init__(self, guard: Guard, callback: Callable[P, None]) -> None:
        self._guard = guard
        self._callback = callback

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        self._guard.run(self._callback, *args, **kwargs)


class GuardedHost(Host):
    """The host, for one service: each callback that is handed over is guarded.

    It has only what a service needs, and so have its parts: none of them is begun as what it stands
    for. What belongs to no single service takes the host itself, and an `Alarm` of its own.
    """

    def __init__(self, host: Host, guard: Guard) -> None:
        self.loop = _GuardedLoop(host.loop, guard)
        self.children = _GuardedChildren(host.children, guard)
        self.notices = _GuardedNotices(host.notices, guard)
        self.heir = host.heir
        self.handling = host.handling
        self.messages = host.messages
        self.spawner = _GuardedSpawner(host.spawner, guard)
        self.boot = host.boot
        self.strays = host.strays
        self.news = host.news


class _GuardedLoop(Loop):
    def __init__(self, loop: Loop, guard: Guard) -> None:
        self._loop = loop
        self._guard = guard

    def alarm(self, ring: Callable[[], None]) -> Alarm:
        return self._loop.alarm(self._guard(ring))

    def add(self, fd: int, handler: Handler, events: int = select.EPOLLIN) -> None:
        self._loop.add(fd, self._guard(_Heard(self._loop, fd, handler)), events)

    def change(self, fd: int, events: int) -> None:
        self._loop.change(fd, events)

    def remove(self, fd: int) -> None:
        self._loop.remove(fd)

    def set(self, alarm: Alarm, when: float) -> None:
        self._loop.set(alarm, when)

    def later(self, work: Callable[[], None]) -> None:
        self._loop.later(self._guard(work))


class _Heard:
    """After a fault it is listened to no more: what was not read would come again at once."""

    __slots__ = ("_fd", "_handler", "_loop")

    def __init__(self, loop: Loop, fd: int, handler: Handler) -> None:
        self._loop = loop
        self._fd = fd
        self._handler = handler

    @property
    def __name__(self) -> str:
        return self._handler.__name__

    def __call__(self, events: int) -> None:
        try:
            self._handler(events)
        except Exception:
            self._loop.remove(self._fd)
            raise


class _GuardedSpawner(Spawner):
    def __init__(self, spawner: Spawner, guard: Guard) -> None:
        self._spawner = spawner
        self.limit = spawner.limit
        self._guard = guard

    def spawn(self, program: Program, then: Callable[[Outcome], None]) -> None:
        self._spawner.spawn(program, self._guard(then))

    def wait_for_outcomes(self) -> None:
        self._spawner.wait_for_outcomes()


class _GuardedChildren(Children):
    def __init__(self, children: Children, guard: Guard) -> None:
        self._children = children
        self._guard = guard

    def expect(self, pid: int, ended: Callable[[int], None], keep: bool) -> None:
        self._children.expect(pid, self._guard(ended), keep)

    def release(self, pid: int) -> None:
        self._children.release(pid)

    def reap(self) -> None:
        self._children.reap()


class _GuardedNotices(Notices):
    def __init__(self, notices: Notices, guard: Guard) -> None:
        self._notices = notices
        self._guard = guard

    def add(self, path: bytes, mask: int, changed: Changed) -> Notice:
        return self._notices.add(path, mask, self._guard(changed))

    def remove(self, notice: Notice) -> None:
        self._notices.remove(notice)
