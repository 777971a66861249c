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
from collections.abc import Callable
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
        self._work: SimpleQueue[tuple[Work, Then]] = SimpleQueue()
        self._done: deque[tuple[Any, Then]] = deque()
        self._kept: list[int] = []
        self._bell = -1
        self._threads = 0
        self._under_way = 0

    @property
    def busy(self) -> bool:
        return self._under_way > 0

    def keep(self, fd: int) -> None:
        """To be called before there are threads: let them have this descriptor, too."""
        self._kept.append(fd)

    def do(self, work: Work, then: Then) -> None:
        """Call `work` in a thread, and `then` with what it returned in ours. Where no thread can be
        had, `work` too, and at once."""
        if not self._threads and not self._begin():
            then(work())
            return
        self._under_way += 1
        self._work.put((work, then))

    def settle(self) -> None:
        """Wait until nothing is under way."""
        if not self._under_way:
            return
        bell = select.poll()
        bell.register(self._bell, select.POLLIN)
        while self._under_way:
            bell.poll()
            self._rung(0)

    def _begin(self) -> bool:
        """Whether there is a thread."""
        if self._bell < 0:
            self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._loop.add(self._bell, self._rung)
            self._kept.append(self._bell)
        with contextlib.suppress(RuntimeError):  # no more processes can be had
            for _ in range(_THREADS):
                _thread.start_new_thread(self._serve, ())
                self._threads += 1
        return self._threads > 0

    def _rung(self, _: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        while self._done:
            outcome, then = self._done.popleft()
            self._under_way -= 1
            then(outcome)
        self._delivered()

    def _serve(self) -> None:
        kernel.own_descriptors(self._kept)
        while True:
            work, then = self._work.get()
            self._done.append((work(), then))
            os.eventfd_write(self._bell, 1)
