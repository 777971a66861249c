"""A long life of one svscan: as many restarts and letters as there is time for, and what it has of
memory and descriptors after the first tenth and at the end."""

import os
import signal
import time
from pathlib import Path

from tests.soak import invariants
from tests.soak.world import World
from tests.support.scan import eventually

NUMBER = 20
LIMIT = 0.02
"""By how much of itself the memory may differ."""

KINDS: dict[str, dict[str, str]] = {
    f"s{number}": {"log": "", "finish": "worker"} if number % 4 == 0 else {}
    for number in range(NUMBER)
}
_WARM = 8.0
"""Seconds, at the least, of which the first measurement is the end: much is done for the first time
in them."""

PASSING = "passing"
"""One that comes and goes all the time."""


def play(world: World, seconds: float) -> str:
    """What was done, and measured.

    :raises AssertionError: where it grows.
    """
    for name in KINDS:
        (world.scan.services / name / "lives").symlink_to("/dev/null")
    world.make(PASSING, {"log": "", "start-check": "worker"})
    world.start()
    eventually(lambda: all(world.listens(name) for name in world.all_names), "all are supervised")
    driver = _Driver(world)
    warm = max(seconds / 10, _WARM)
    driver.drive(warm)
    before = _measured(world)
    driver.drive(max(seconds - warm, warm))
    after = _measured(world)
    restarts = sum(_starts(world, name) for name in world.names)
    letters, passed = driver.letters, driver.passed
    said = (
        f"{restarts} restarts, {letters} letters, {passed} services that came and went in"
        f" {seconds:.0f} s: memory {before[0]} kB after {warm:.0f} s, {after[0]} kB at its end"
        f" ({100 * (after[0] / before[0] - 1):+.2f} %), descriptors {before[1]} and {after[1]}"
    )
    assert abs(after[0] / before[0] - 1) <= LIMIT, said
    assert before[1] == after[1], said
    invariants.at_any_time(world)
    return said


class _Driver:
    """Sends `t` to each service whose last one has been seen to, and letters that do nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._controls = [self._open(name, "control", os.O_WRONLY) for name in world.names]
        self._seen = [b""] * len(world.names)
        self.letters = self.passed = 0

    def _open(self, name: str, file: str, flags: int) -> int:
        path = self._world.scan.services / name / "supervise" / file
        return os.open(path, flags | os.O_NONBLOCK)

    def drive(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            busy = [self._send(at) for at in range(len(self._controls))]
            if not any(busy):
                time.sleep(0.001)
            if self.letters // 20_000 > self.passed:
                self._pass()
        self._rest()

    def _send(self, at: int) -> bool:
        """Whether the restart that was asked for last has come, and another one is asked for."""
        path = self._world.scan.services / self._world.names[at] / "supervise/status"
        found = path.read_bytes()
        if found[12:16] in (bytes(4), self._seen[at]):
            return False
        self._seen[at] = found[12:16]
        self.letters += os.write(self._controls[at], b"pcpcpcpct" if at % 2 else b"t")
        return True

    def _pass(self) -> None:
        """A service comes and goes, and svscan looks at everything."""
        world = self._world
        world.scan.link(PASSING)
        eventually(lambda: world.listens(PASSING), f"{PASSING} is taken up")
        (world.scan.home / PASSING).unlink()
        for name in (PASSING, f"{PASSING}/log"):
            eventually(lambda name=name: world.say(name, "dx"), f"{name} is told to go")
        eventually(lambda: not world.listens(PASSING), f"{PASSING} is given up")
        eventually(lambda: not world.listens(f"{PASSING}/log"), "its logger is given up")
        os.kill(world.pid, signal.SIGHUP)
        self.passed += 1

    def _rest(self) -> None:
        """Until nothing is under way."""
        for name in self._world.all_names:
            eventually(
                lambda name=name: invariants.settled(self._world, name)[0],
                lambda name=name: invariants.settled(self._world, name)[1],
            )


def _measured(world: World) -> tuple[int, int]:
    """Memory that is not shared, in kB, and descriptors."""
    lines = Path(f"/proc/{world.pid}/smaps_rollup").read_text().splitlines()
    private = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return private, len(os.listdir(f"/proc/{world.pid}/fd"))


def _starts(world: World, name: str) -> int:
    found = world.scan.record(name)
    return found.starts if found is not None else 0
