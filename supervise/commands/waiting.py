"""Waiting until something has happened to services. First watch, then look: nothing is missed."""

import os
import resource
import time

from supervise.commands import plain
from supervise.commands.changes import Changes
from supervise.commands.delivery import Delivery
from supervise.commands.goals import Goal, HopelessError, gone
from supervise.commands.progress import Progress
from supervise.commands.svstat import trouble
from supervise.commands.view import View, look
from supervise.protocol import client


class Target:
    """One service that is waited for. Once it is settled, `code` tells how."""

    def __init__(self, directory: bytes, ok: int, before: View, goals: list[Goal]) -> None:
        self.directory = directory
        self.ok = ok
        self.before = self.now = before
        self.goals = goals
        self.delivery: Delivery | None = None
        self.code: int | None = None
        self.why = ""

    def examine(self) -> None:
        """Look whether it has happened."""
        try:
            if self.delivery is not None and not self.delivery.over():
                return
            self.now = look(self.directory)
            if all(goal(self.now, self.before) for goal in self.goals) and not self._too_early:
                self.code = 0
        except HopelessError as error:
            self.code, self.why = 1, str(error)
        except (OSError, ValueError):
            pass  # being written, or its supervisor ends: another event follows

    @property
    def _too_early(self) -> bool:
        """Whoever asks svstat next is to be told the same."""
        return bool(self.goals) and self.now.behind

    @property
    def doing(self) -> str:
        """What is to be said where it has not happened in time."""
        if self.delivery is not None and not self.delivery.closed:
            return "its supervisor does not read letters"
        return f"it is {self.now.summary}"

    def lose(self) -> None:
        """Nobody supervises it any more."""
        self.code = 0 if gone in self.goals else plain.UNSUPERVISED
        self.why = "supervise is gone"

    def close(self) -> None:
        os.close(self.ok)
        if self.delivery is not None:
            self.delivery.close()


class Waiting:
    """Several services, each with its goals. `program` begins the lines on standard error."""

    def __init__(self, program: bytes) -> None:
        self._program = program
        self._changes = Changes()
        self._targets: dict[int, Target] = {}
        self._codes: set[int] = set()
        self._progress = Progress(program)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    def add(self, directory: bytes, goals: list[Goal]) -> Target | None:
        """None, after a line that says why, where there is nothing to wait for."""
        try:
            return self._begin(directory, goals)
        except (OSError, ValueError) as error:
            self.fail(directory, error)
            self._complain(directory, trouble(directory, error))
        return None

    def fail(self, directory: bytes, error: Exception) -> None:
        """Tell by the exit code that the directory could not be waited for."""
        nobody = isinstance(error, OSError) and error.errno in client.NOBODY
        unsupervised = nobody and _can_enter(directory)
        self._codes.add(plain.UNSUPERVISED if unsupervised else plain.TROUBLE)

    def _begin(self, directory: bytes, goals: list[Goal]) -> Target:
        ok = client.open_ok_fifo(directory)
        try:
            self._changes.add(ok, directory)
            target = Target(directory, ok, look(directory), goals)
        except BaseException:
            self._changes.drop(ok)
            os.close(ok)
            raise
        self._targets[ok] = target
        return target

    def deliver(self, target: Target, control: int) -> None:
        """Look at it only when what was written to this descriptor has been served."""
        self._changes.add_reading(target.ok, target.directory)
        target.delivery = Delivery(control)

    def run(self, seconds: float | None) -> int:
        """Wait, for so long at most, until all are settled. Returns the exit code."""
        deadline = None if seconds is None else time.monotonic() + seconds
        looking = set(self._targets)
        while True:
            self._examine(looking)
            if not self._targets:
                self._progress.clear()
                break
            waited_for = ((each.directory, each.now) for each in self._targets.values())
            self._progress.show(len(self._targets), waited_for)
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                self._progress.clear()
                self._give_up()
                break
            looking, lost = self._changes.wait(left)
            for ok in lost:
                self._targets[ok].lose()
                self._settle(ok)
        return next((code for code in _WORST_FIRST if code in self._codes), 0)

    def _examine(self, looking: set[int]) -> None:
        for ok in looking & self._targets.keys():
            target = self._targets[ok]
            target.examine()
            if target.code is not None:
                self._settle(ok)

    def _settle(self, ok: int) -> None:
        target = self._targets.pop(ok)
        self._changes.drop(ok)
        target.close()
        if target.code:
            self._codes.add(target.code)
            self._complain(target.directory, os.fsencode(target.why))

    def _give_up(self) -> None:
        self._codes.add(plain.LATE)
        for target in self._targets.values():
            self._complain(target.directory, b"not in time, " + os.fsencode(target.doing))

    def _complain(self, directory: bytes, why: bytes) -> None:
        self._progress.clear()
        plain.complain(b"%s: %s: %s" % (self._program, directory, why))


_WORST_FIRST = (plain.TROUBLE, plain.LATE, plain.UNSUPERVISED, 1)


def _can_enter(directory: bytes) -> bool:
    try:
        client.enter(directory)
    except OSError:
        return False
    return True
