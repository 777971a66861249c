"""The one loop: descriptors and deadlines. With nothing to do it does not wake up."""

import contextlib
import heapq
import os
import select
import time
from collections import deque
from collections.abc import Callable
from itertools import count

from supervise.core.situation import NEVER

_LONGEST = 1e6
"""Seconds: epoll takes at most 24 days at a time."""

_AT_ONCE = 256
"""Events taken in one turn; room for them is made in each."""

_GIVE_WAY = 0.001
"""Seconds for which what can wait does: a service that was just started has the processor first."""

_SOON, _LATER = 0.02, 1.0
"""Seconds for which what is to be done soon, or can wait, is put off while other things happen."""

_MOST_TAKEN_BACK = 64
"""Deadlines that were moved or taken back, from which on what is left of them is thrown away."""

Handler = Callable[[int], None]


def _raised(error: Exception) -> None:
    raise error


class Alarm:
    """A deadline that can be moved or taken back. `when` is on the monotonic clock, in seconds."""

    __slots__ = ("number", "ring", "when")

    def __init__(self, ring: Callable[[], None]) -> None:
        self.ring = ring
        self.when = NEVER
        self.number = 0


class _PutOff:
    """What waits until nothing else happens, but not for more than so many seconds."""

    __slots__ = ("_due", "_most", "works")

    def __init__(self, most: float) -> None:
        self.works: deque[Callable[[], None]] = deque()
        self._most = most
        self._due = 0.0

    def put_off(self, work: Callable[[], None]) -> None:
        if not self.works:
            self._due = time.monotonic() + self._most
        self.works.append(work)

    def turn(self, now: bool) -> None:
        if self.works and (now or time.monotonic() >= self._due):
            for _ in range(min(len(self.works), _AT_ONCE)):
                self.works.popleft()()
            self._due = time.monotonic() + self._most


class Loop:
    """Deadlines lie in a heap, by number. One that is taken back keeps nothing alive of what it was
    to ring for; its number is passed over when its time comes.

    :param fault: told of what a handler or an alarm has raised; raises it where that is the end.
    """

    def __init__(self, fault: Callable[[Exception], None] = _raised) -> None:
        self._fault = fault
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._heap: list[tuple[float, int]] = []
        self._alarms: dict[int, Alarm] = {}
        self._order = count()
        self._soon = _PutOff(_SOON)
        self._later = _PutOff(_LATER)
        self.under_way = 0
        """Of our works, how many other threads are at: while there are some, nothing rests."""
        self._ended = False

    def add(self, fd: int, handler: Handler, events: int = select.EPOLLIN) -> None:
        """Call `handler` with the events whenever the descriptor has some."""
        self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def take(self, fd: int, handler: Handler) -> None:
        """As `add`, of a descriptor that is of no use unless it is looked after.

        :raises OSError: where it cannot be looked after; then it is closed.
        """
        try:
            self.add(fd, handler)
        except OSError:
            os.close(fd)
            raise

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        """To be called before the descriptor is closed."""
        if self._handlers.pop(fd, None) is not None:
            with contextlib.suppress(OSError):
                self._epoll.unregister(fd)

    def alarm(self, ring: Callable[[], None]) -> Alarm:
        return Alarm(ring)

    def set(self, alarm: Alarm, when: float) -> None:
        """Ring at this time, and at no other; NEVER takes the alarm back."""
        if alarm.when == when:
            return
        if alarm.when != NEVER:
            del self._alarms[alarm.number]
            if len(self._heap) > 2 * len(self._alarms) + _MOST_TAKEN_BACK:
                self._clear()
        alarm.when = when
        if when != NEVER:
            alarm.number = next(self._order)
            self._alarms[alarm.number] = alarm
            heapq.heappush(self._heap, (when, alarm.number))

    def _clear(self) -> None:
        self._heap = [entry for entry in self._heap if entry[1] in self._alarms]
        heapq.heapify(self._heap)

    def end(self) -> None:
        self._ended = True

    def soon(self, work: Callable[[], None]) -> None:
        """Call it when nothing else is to be done, or has been put off for too long."""
        self._soon.put_off(work)

    def later(self, work: Callable[[], None]) -> None:
        """As `soon`, but when nothing has happened for a moment, here and in other threads."""
        self._later.put_off(work)

    def run(self) -> None:
        """Until `end` is called."""
        while not self._ended:
            try:
                self._turn()
            except Exception as error:
                self._fault(error)

    def _turn(self) -> None:
        happened = self._epoll.poll(self._patience(), _AT_ONCE)
        told = [(self._handlers.get(fd), fd, events) for fd, events in happened]
        for handler, fd, events in told:
            # One before may have closed it, and another one have its number now.
            if handler is not None and self._handlers.get(fd) is handler:
                handler(events)
        self._ring()
        at_rest = not (happened or self._soon.works or self.under_way)
        self._soon.turn(not happened)
        self._later.turn(at_rest)

    def _patience(self) -> float:
        if self._soon.works:
            return 0
        if self._later.works:
            return _GIVE_WAY
        while self._heap and self._heap[0][1] not in self._alarms:
            heapq.heappop(self._heap)
        if not self._heap:
            return -1
        return min(max(0.0, self._heap[0][0] - time.monotonic()), _LONGEST)

    def _ring(self) -> None:
        now = time.monotonic()
        while self._heap and self._heap[0][0] <= now:
            _, number = heapq.heappop(self._heap)
            alarm = self._alarms.pop(number, None)
            if alarm is not None:
                alarm.when = NEVER
                alarm.ring()
