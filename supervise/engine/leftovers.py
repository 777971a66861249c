"""What a dead instance left in its session, and waiting until it is gone."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

from supervise.core.situation import NEVER
from supervise.engine import processes
from supervise.engine.loop import Loop

_AGAIN = 1.0
"""Seconds until what could not be seen is looked for again."""

PATIENCE = 5.0
"""Seconds between TERM and KILL, where `timeout-kill` says nothing."""

_AT_ONCE = 32
"""How many are watched at the same time: each takes a descriptor. All must end, so the order does
not matter."""


class Leftovers:
    """The living processes of a session whose leader is dead.

    The session's number is not used again while the leader is unreaped or one of them lives.

    :param none_left: called once, when none is left.
    """

    def __init__(self, loop: Loop, session: int, none_left: Callable[[], None]) -> None:
        self._loop = loop
        self._session = session
        self._none_left = none_left
        self._watched: set[int] = set()
        self._signals: list[int] = []
        self._again = loop.alarm(self.look)

    def end(self) -> bool:
        """TERM, and when asked again KILL. Whether it was TERM."""
        first = not self._signals
        self._send(signal.SIGTERM if first else signal.SIGKILL)
        return first

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        """To each of them, and to each that appears from now on."""
        self._signals.append(number)
        for pidfd in self._watched:
            _send(pidfd, number)

    def look(self) -> None:
        """Watch those that are there, or tell that none is. Where no file can be opened, so that
        nobody knows, try again."""
        try:
            self._watch_all()
        except OSError:
            if not self._watched:
                self._loop.set(self._again, time.monotonic() + _AGAIN)
            return
        if not self._watched:
            self._none_left()

    def _watch_all(self) -> None:
        while not self._watched and not self._used_again():
            members = processes.session_members(self._session)
            if not members:
                break
            for pid in members[:_AT_ONCE]:
                self._watch(pid)

    def _used_again(self) -> bool:
        """The number has a new living leader, so the old session is over."""
        leader = processes.facts(self._session)
        return leader is not None and leader.alive

    def _watch(self, pid: int) -> None:
        pidfd = processes.open_if_member(pid, self._session)
        if pidfd is None:
            return
        self._loop.take(pidfd, lambda _: self._ended(pidfd))
        self._watched.add(pidfd)
        for number in self._signals:
            _send(pidfd, number)

    def _ended(self, pidfd: int) -> None:
        self._close(pidfd)
        if not self._watched:
            self.look()

    def _close(self, pidfd: int) -> None:
        self._watched.discard(pidfd)
        self._loop.remove(pidfd)
        os.close(pidfd)

    def release(self) -> None:
        """Watch no longer, and let them live."""
        self._loop.set(self._again, NEVER)
        for pidfd in list(self._watched):
            self._close(pidfd)


def _send(pidfd: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # then it is waited for
        signal.pidfd_send_signal(pidfd, number)
