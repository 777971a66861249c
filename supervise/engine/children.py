"""Our children, and the strangers that come to us as a subreaper: who died, and who is reaped."""

import contextlib
import os
from collections.abc import Callable, Iterator
from itertools import chain

_DEAD = os.WEXITED | os.WNOHANG
_LOOK = _DEAD | os.WNOWAIT


class Children:
    """:param starting: whether there may be children that we do not know of yet."""

    def __init__(self, starting: Callable[[], bool]) -> None:
        self._starting = starting
        self._expected: dict[int, Callable[[int], None]] = {}
        self._to_keep: set[int] = set()
        self._kept: set[int] = set()
        self._told = 0
        self._begun = self._put_off = False

    def begin(self) -> None:
        """All that we inherited as children, by an exec in place, are expected: from now on who is
        not is a stranger."""
        self._begun = True

    def expect(self, pid: int, ended: Callable[[int], None], keep: bool) -> None:
        self._expected[pid] = ended
        if keep:
            self._to_keep.add(pid)

    def release(self, pid: int) -> None:
        """Reap a kept zombie, or no longer tell of the end of a living child."""
        self._to_keep.discard(pid)
        if pid in self._kept:
            self._kept.remove(pid)
            os.waitid(os.P_PID, pid, _DEAD)
        else:
            self._expected.pop(pid, None)

    def reap(self) -> None:
        """Tell of every child that has died, and reap it, unless it is to be kept.

        It is told of first: to reap it takes longer than all else on the way to the next start.
        """
        while self.reap_one():
            pass

    def reap_one(self) -> bool:
        """As `reap`, of one; whether there was one. To look in vain takes the longer the more
        children there are."""
        self._reap_told()
        self._put_off = False
        found = self._next_dead() if self._begun else None
        if found is None:
            return False
        ended = self._expected.pop(found.si_pid, _stranger)
        ended(found.si_status if found.si_code == os.CLD_EXITED else -found.si_status)
        self._reap_told()
        return True

    def reap_put_off(self) -> None:
        """As `reap`, where some child could not be told of yet."""
        if self._put_off:
            self.reap()

    def _reap_told(self) -> None:
        """Whoever is told of may reap before we come back to it."""
        if self._told:
            pid, self._told = self._told, 0
            os.waitid(os.P_PID, pid, _DEAD)

    def _next_dead(self) -> os.waitid_result | None:
        """To be reaped when it was told of, or kept, whichever is its due."""
        try:
            found = os.waitid(os.P_ALL, 0, _LOOK)
        except ChildProcessError:
            return None
        if found is not None and found.si_pid in self._kept:
            found = self._next_dead_beyond_kept()
        if found is None:
            return None
        if found.si_pid not in self._expected and self._starting():
            self._put_off = True  # until its start is known
            return None
        if found.si_pid in self._to_keep:
            self._to_keep.remove(found.si_pid)
            self._kept.add(found.si_pid)
        else:
            self._told = found.si_pid
        return found

    def _next_dead_beyond_kept(self) -> os.waitid_result | None:
        """waitid shows the same kept zombie again and again, so ask for each child by its pid."""
        for pid in chain(self._expected, _all()):
            with contextlib.suppress(ChildProcessError):
                found = None if pid in self._kept else os.waitid(os.P_PID, pid, _LOOK)
                if found is not None:
                    return found
        return None


def _all() -> Iterator[int]:
    """Our children, also the strangers. Each thread has those that it started. None where no file
    can be opened just now: strangers can wait."""
    with contextlib.suppress(OSError):
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children", "rb") as file:
                pids = file.read().split()
            yield from map(int, pids)


def _stranger(status: int) -> None:
    """Somebody's orphan: reaped, and no more is made of it."""
