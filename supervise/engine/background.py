"""Work for other threads, whose outcome comes back to the loop.

Each thread has a descriptor table of its own, with next to nothing in it: who forks copies the
whole table, and who then executes closes it again, which with a thousand services takes longer than
all else. So the work must not use any descriptor of ours by its number.
"""

import _thread
import contextlib
import os
import select
from _queue import SimpleQueue
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from supervise.engine import kernel
from supervise.engine.loop import Loop

Work = Callable[[], Any]
Then = Callable[[Any], None]

_THREADS = 2
"""As many as keep two processors busy: a thread that forks waits until the other side executes."""


class Background:
    """Threads that are made when the first work comes.

    :param delivered: called after outcomes were told.
    """

    def __init__(self, loop: Loop, delivered: Callable[[], None]) -> None:
        self._loop = loop
        self._delivered = delivered
        self._work: SimpleQueue[tuple[Work, Then] | None] = SimpleQueue()
        self._ready: SimpleQueue[int] = SimpleQueue()
        self._done: deque[tuple[Any, Then]] = deque()
        self._kept: list[int] = []
        self._bell = -1
        self._threads = 0

    @property
    def busy(self) -> bool:
        return self._loop.under_way > 0

    def keep(self, fd: int) -> None:
        """To be called before there are threads: let them have this descriptor, too."""
        self._kept.append(fd)

    def forget(self, fd: int) -> None:
        """It is to be closed. What threads there are end when they have done what they have to do,
        and let go of it; others that are begun from now on have what we keep now."""
        self._kept.remove(fd)
        for _ in range(self._threads):
            self._work.put(None)
        self._work = SimpleQueue()
        self._threads = 0

    def do(self, work: Work, then: Then) -> None:
        """Call `work` in a thread, and `then` with what it returned in ours. Where no thread can be
        had, `work` too, and at once."""
        if not self.begin():
            then(work())
            return
        self._loop.under_way += 1
        self._work.put((work, then))

    def gather(self, works: Sequence[Work]) -> list[Any]:
        """Do all of this and wait for it; what each returned. To be called when it has begun, and
        nothing else is under way."""
        found: list[Any] = [None] * len(works)
        for place, work in enumerate(works):
            self._work.put((work, partial(found.__setitem__, place)))
        self._await(lambda: len(self._done) == len(works))
        while self._done:
            outcome, put = self._done.popleft()
            put(outcome)
        return found

    def wait_for_outcomes(self) -> None:
        """Wait until nothing is under way, nor anything that the outcomes have set off."""
        while self.busy:
            self._await(lambda: len(self._done) > 0)
            self._rung(0)

    def _await(self, done: Callable[[], bool]) -> None:
        if done():
            return
        bell = select.poll()
        bell.register(self._bell, select.POLLIN)
        while not done():
            bell.poll()
            self._hear()

    def begin(self) -> bool:
        """Whether there are threads, or can be."""
        if self._threads:
            return True
        with contextlib.suppress(OSError, RuntimeError):  # no descriptor, or no thread
            self._hang_bell()
            for _ in range(_THREADS):
                _thread.start_new_thread(self._serve, (self._work,))
                self._threads += self._ready.get()
        return self._threads > 0

    def _hang_bell(self) -> None:
        if self._bell >= 0:
            return
        bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._loop.take(bell, self._rung)
        self._bell = bell
        self._kept.append(bell)

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)

    def _rung(self, _: int) -> None:
        self._hear()
        while self._done:
            outcome, then = self._done.popleft()
            self._loop.under_way -= 1
            then(outcome)
        self._delivered()

    def _serve(self, works: "SimpleQueue[tuple[Work, Then] | None]") -> None:
        try:
            kernel.own_descriptors(self._kept)
        except OSError:  # it cannot let go of ours
            self._ready.put(0)
            return
        self._ready.put(1)
        while (found := works.get()) is not None:
            work, then = found
            self._done.append((work(), then))
            os.eventfd_write(self._bell, 1)
