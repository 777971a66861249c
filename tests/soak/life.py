"""python -m tests.soak.life {seconds|restarts} NUMBER: one svscan, so long or so full.

Services are told to restart as soon as they have begun, others end by themselves at once, loggers
are killed, a service with a logger comes and goes. What svscan has of memory, descriptors and
watches is looked at 24 times, at rest.
"""

import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.soak import build, invariants
from tests.soak.enclosure import become_init, open_world
from tests.soak.waiting import soon
from tests.soak.world import Kinds, World

HOURS = 24
LIMIT = 0.02
"""By how much of itself the memory may differ."""
WARM = 8.0
"""Seconds, at the least, before what is measured counts: in them much is done the first time."""

NUMBER = 20
BRIEF = {"brief": "", "backoff/max": "0.1"}
DRIVEN: Kinds = {
    f"s{number}": {"log": "", "finish": "worker"} if number % 4 == 0 else {}
    for number in range(NUMBER)
}
KINDS = DRIVEN | {f"brief{number}": BRIEF for number in range(3)}
LOGGERS = [f"{name}/log" for name in DRIVEN if "log" in DRIVEN[name]]
PASSING = "passing"
"""One that comes and goes all the time."""

RESTARTS_TO_A_PASS = 1000
"""And to the death of a logger."""


class Measured(NamedTuple):
    """:ivar memory: in kB, what was written to and is shared with nobody. Pages of program files
    are not counted: whether they are shared depends on what else of Python runs just then."""

    restarts: int
    letters: int
    memory: int
    descriptors: int
    watches: int

    def __str__(self) -> str:
        return (
            f"{self.restarts} restarts, {self.letters} letters, memory {self.memory} kB,"
            f" {self.descriptors} descriptors, {self.watches} watches"
        )


class Driver:
    """Tells each service to restart that has said that it has begun."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = random.Random(0)
        path = world.scan.services / "begun"
        os.mkfifo(path)
        self._begun = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._controls: list[int] = []
        self._asked = 0
        self.letters = 0

    def begin(self) -> None:
        world = self._world
        world.make(PASSING, {"log": "", "start-check": "worker"})
        world.start()
        for name in world.all_names:
            soon(lambda name=name: world.listens(name), f"{name} is supervised")
        for name in DRIVEN:
            path = world.scan.services / name / "supervise/control"
            self._controls.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))

    def drive(self, enough: Callable[[int], bool]) -> Measured:
        """:param enough: told how many restarts were asked for."""
        for name in KINDS:
            self._world.say(name, "u")
        for number in range(NUMBER):
            self._ask(number)
        while not enough(self._asked):
            if not select.select([self._begun], [], [], 10)[0]:
                raise AssertionError(f"nobody begins any more: {self._world.scan.said()}")
            for number in os.read(self._begun, NUMBER):
                self._ask(number)
        return self._measured()

    def _ask(self, number: int) -> None:
        self.letters += os.write(self._controls[number], b"pcpcpcpct" if number % 2 else b"t")
        self._asked += 1
        if self._asked % RESTARTS_TO_A_PASS == 0:
            self._pass()
            self._end_a_logger()

    def _pass(self) -> None:
        """A service comes and goes, and svscan looks at everything."""
        world = self._world
        world.scan.link(PASSING)
        for name in (PASSING, f"{PASSING}/log"):
            soon(lambda name=name: world.listens(name), f"{name} is taken up")
        (world.scan.home / PASSING).unlink()
        for name in (PASSING, f"{PASSING}/log"):
            self.letters += 2 * world.say(name, "dx")
            soon(lambda name=name: not world.listens(name), f"{name} is given up")
        os.kill(world.pid, signal.SIGHUP)

    def _end_a_logger(self) -> None:
        for pid in self._world.instances(self._chance.choice(LOGGERS)):
            os.kill(pid, signal.SIGKILL)

    def _measured(self) -> Measured:
        world = self._world
        for name in KINDS.keys() - DRIVEN.keys():
            world.say(name, "d")
            soon(lambda name=name: self._is_down(name), lambda name=name: world.scan.shown(name))
        for name in (*DRIVEN, *LOGGERS):
            soon(
                lambda name=name: invariants.settled(world, name)[0],
                lambda name=name: invariants.settled(world, name)[1],
            )
        os.read(self._begun, 1000)  # of those that nobody asks any more
        soon(self._tidy, lambda: f"descriptors: {self._descriptors()}")
        restarts = sum(self._starts(name) for name in world.all_names)
        watches = invariants.watches(world)
        return Measured(restarts, self.letters, self._memory(), self._descriptors(), len(watches))

    def _tidy(self) -> bool:
        """Whether nothing of what has passed is left: its end is seen to a moment later."""
        time.sleep(0.1)
        return not invariants.unexplained(self._world)

    def _is_down(self, name: str) -> bool:
        found = self._world.scan.record(name)
        return found is not None and found.state == "down"

    def _starts(self, name: str) -> int:
        found = self._world.scan.record(name)
        return found.starts if found is not None else 0

    def _memory(self) -> int:
        lines = Path(f"/proc/{self._world.pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))

    def _descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self._world.pid}/fd"))


def live(world: World, whether: Callable[[int], Callable[[int], bool]]) -> str:
    """What was done, and how the last hour compares with the first that counts.

    :param whether: of an hour, whether so many restarts are enough for it.
    :raises AssertionError: where it grows.
    """
    driver = Driver(world)
    driver.begin()
    begun = time.monotonic()
    measured: dict[int, Measured] = {}
    for hour in range(1, HOURS + 1):
        now = driver.drive(whether(hour))
        took = time.monotonic() - begun
        print(f"soak: hour {hour} of {HOURS}, after {took:.0f} s: {now}", flush=True)
        if took >= WARM or hour == HOURS:
            measured[hour] = now
        invariants.at_any_time(world)
    return compared(min(measured), measured[min(measured)], measured[HOURS])


def compared(hour: int, first: Measured, last: Measured) -> str:
    grown = last.memory / first.memory - 1
    said = (
        f"{last.restarts} restarts and {last.letters} letters; from hour {hour} to hour {HOURS}"
        f" memory {first.memory} to {last.memory} kB ({100 * grown:+.2f} %), descriptors"
        f" {first.descriptors} to {last.descriptors}, watches {first.watches} to {last.watches}"
    )
    assert abs(grown) <= LIMIT, said
    assert first[3:] == last[3:], said
    return said


def main() -> int:
    become_init()
    of_what, number = sys.argv[1], float(sys.argv[2])
    begun = time.monotonic()

    def seconds(hour: int) -> Callable[[int], bool]:
        return lambda _: time.monotonic() - begun >= number * hour / HOURS

    def restarts(hour: int) -> Callable[[int], bool]:
        return lambda asked: asked >= number * hour / HOURS

    with open_world(KINDS, build.mayfly) as world:
        said = live(world, {"seconds": seconds, "restarts": restarts}[of_what])
    print(f"soak: a long life: {said}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
