"""svscan under `stepper.c`: which system calls it makes, and its death just before one of them.

Of two kinds: those that somebody outside may see, and the inner ones. To die before an inner call
leaves the same behind as to die before the visible one that comes next.
"""

import contextlib
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from tests.soak.waiting import soon
from tests.soak.world import World

VISIBLE, INNER = "visible", "inner"


class Step(NamedTuple):
    """Just before the how many-th system call of this kind of `main` or of the `other` threads."""

    thread: str
    kind: str
    number: int


NOWHERE = Step("main", VISIBLE, 0)
"""It is only looked on."""

Under = Callable[[World, Step], AbstractContextManager[Path]]
"""Brings svscan under it, for a while; yields what will be the report. In the end the report is
there, or svscan lives and none was asked for."""


def calls(report: Path) -> dict[Step, str]:
    """The name of each system call, in order."""
    soon(report.exists, "a report")
    counts: Counter[tuple[str, str]] = Counter()
    found = {}
    for line in report.read_text().splitlines():
        thread, kind, name = line.split()
        counts[thread, kind] += 1
        found[Step(thread, kind, counts[thread, kind])] = name
    report.unlink()
    return found


@contextlib.contextmanager
def attached(world: World, step: Step) -> Iterator[Path]:
    """To a svscan that runs."""
    report = _report(world)
    command = [world.stepper, report, *map(str, step), "attach", str(world.pid)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as stepper:
        try:
            assert stepper.stdout is not None
            assert stepper.stdout.readline() == b"\n", "stepper does not look on"
            yield report
        finally:
            stepper.terminate()


@contextlib.contextmanager
def begun(world: World, step: Step) -> Iterator[Path]:
    """A new svscan, from its lock on. In the end it is dead."""
    report = _report(world)
    try:
        world.start(None, world.stepper, report, *map(str, step), "begin")
        yield report
    finally:
        world.kill()


def _report(world: World) -> Path:
    report = world.scan.services / "report"
    report.unlink(missing_ok=True)
    return report
