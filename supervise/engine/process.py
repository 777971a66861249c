"""A process that we answer for: our child, or one that another supervisor started."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Protocol

from supervise.core.situation import NEVER
from supervise.engine import kernel
from supervise.engine.children import Children
from supervise.engine.loop import Loop
from supervise.protocol.record import UNKNOWN

Ended = Callable[[int], None]
"""Called once, with the exit code, the negative number of the signal, or UNKNOWN."""

REAPING = 0.05
"""Seconds that the parent of an adopted process gets to reap it, so that we learn its status."""


class Process(Protocol):
    """One process, known beyond doubt. `start` is in clock ticks since boot."""

    pid: int
    start: int
    pidfd: int
    """-1 for our child, which needs none."""

    def send(self, number: int) -> None:
        """:raises PermissionError: where it is another user's, whom we may not signal."""

    def release(self) -> None:
        """Let go of it; it is told of no more."""


class Child:
    """Signals cannot go astray: until we reap it, the pid is not used again, and from then on it is
    nothing to us.

    With `keep`, it stays a zombie after its death until `release`.
    """

    __slots__ = ("_children", "_ended", "pid", "pidfd", "start")

    def __init__(
        self, children: Children, pid: int, start: int, ended: Ended, keep: bool = False
    ) -> None:
        self._children: Children | None = children
        self._ended = ended
        self.pid = pid
        self.pidfd = -1
        self.start = start
        children.expect(pid, ended if keep else self, keep)

    @property
    def __name__(self) -> str:
        """By which a fault is told."""
        return self._ended.__name__

    def __call__(self, status: int) -> None:
        """It has died, and is kept by nobody."""
        self._children = None
        self._ended(status)

    def send(self, number: int) -> None:
        if self._children is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def release(self) -> None:
        if self._children is not None:
            self._children.release(self.pid)
            self._children = None


class Adopted:
    """A process of a supervisor that is no more, held by its pidfd.

    :raises OSError: where it cannot be watched; then the pidfd is closed.
    """

    __slots__ = ("_alarm", "_ended", "_loop", "pid", "pidfd", "start")

    def __init__(self, loop: Loop, pid: int, start: int, pidfd: int, ended: Ended) -> None:
        self._loop = loop
        self.pidfd = pidfd
        self._ended = ended
        self._alarm = loop.alarm(self._tell)
        self.pid = pid
        self.start = start
        loop.take(pidfd, self._died)

    def send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def release(self) -> None:
        if self.pidfd >= 0:
            self._loop.set(self._alarm, NEVER)
            self._loop.remove(self.pidfd)
            os.close(self.pidfd)
            self.pidfd = -1

    def _died(self, events: int) -> None:
        """Its status can be had once it is reaped, which the kernel tells by EPOLLHUP."""
        if events & select.EPOLLHUP or kernel.exit_status(self.pidfd) != UNKNOWN:
            self._tell()
            return
        try:
            self._loop.change(self.pidfd, 0)
        except OSError:  # else we would be told of it again and again meanwhile
            self._tell()
            return
        self._loop.set(self._alarm, time.monotonic() + REAPING)

    def _tell(self) -> None:
        status = kernel.exit_status(self.pidfd)
        self.release()
        self._ended(status)
