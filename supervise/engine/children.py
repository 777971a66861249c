"""Our children, and the strangers that come to us as a subreaper: who died, and who is reaped."""

import os
import threading
from collections.abc import Callable

_ANY_DEAD = os.WEXITED | os.WNOHANG | os.WNOWAIT


class Children:
    def __init__(self) -> None:
        self._expected: dict[int, tuple[Callable[[int], None], bool]] = {}
        self._kept: set[int] = set()

    def expect(self, pid: int, ended: Callable[[int], None], keep: bool) -> None:
        self._expected[pid] = (ended, keep)

    def release(self, pid: int) -> None:
        """Reap a kept zombie, or no longer tell of the end of a living child."""
        if pid in self._kept:
            self._kept.remove(pid)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
        else:
            self._expected.pop(pid, None)

    def reap(self) -> None:
        """Tell of every child that has died, and reap it, unless it is to be kept."""
        while found := self._next_dead():
            self._bury(found)

    def _next_dead(self) -> os.waitid_result | None:
        try:
            found = os.waitid(os.P_ALL, 0, _ANY_DEAD)
        except ChildProcessError:
            return None
        if found is None or found.si_pid not in self._kept:
            return found
        return self._next_dead_beyond_kept()

    def _next_dead_beyond_kept(self) -> os.waitid_result | None:
        """waitid shows the same kept zombie again and again, so ask for each child by its pid."""
        with open(f"/proc/self/task/{threading.get_native_id()}/children", "rb") as file:
            pids = [int(pid) for pid in file.read().split()]
        for pid in pids:
            if pid in self._kept:
                continue
            found = os.waitid(os.P_PID, pid, _ANY_DEAD)
            if found is not None:
                return found
        return None

    def _bury(self, found: os.waitid_result) -> None:
        pid = found.si_pid
        ended, keep = self._expected.pop(pid, (_stranger, False))
        if keep:
            self._kept.add(pid)
        else:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
        ended(found.si_status if found.si_code == os.CLD_EXITED else -found.si_status)


def _stranger(status: int) -> None:
    """Somebody's orphan: reaped, and no more is made of it."""
