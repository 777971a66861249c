"""A hundred upgrades in place, while letter after letter is sent: those that were lost, and how
long one waited that came while nobody listened.

The peers have no such row: theirs are stopped to be upgraded."""

import os
import signal
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from bench.processes import send
from bench.session import Session
from bench.stage import SETTLED, Stage, StageError, milliseconds

ROWS = ("upgrade", "upgrade-deaf")
UPGRADES = 100
DONE = "upgraded in place"
PATIENCE = 30.0  # seconds


def measure(session: Session) -> None:
    ours = session.ours
    if ours is None:
        return
    with session.forgiving(*ROWS), session.stage(ours) as stage:
        names = stage.make(session.settings.services)
        stage.start(names)
        time.sleep(SETTLED)
        letters = _letters(stage)
        waits = [_upgrade(stage, number + 1, letters) for number in range(UPGRADES)]
        lost = sum(wait is None for each in waits for wait in each)
        sent = sum(len(each) for each in waits)
        session.add(ROWS[0], ours.name, lost)
        session.note(ROWS[0], f"{sent} letters sent")
        longest = [max(wait for wait in each if wait is not None) for each in waits]
        session.add(ROWS[1], ours.name, *longest)
        stage.stop()


def _upgrade(stage: Stage, number: int, letters: Iterator[float | None]) -> list[float | None]:
    """The milliseconds that each letter waited for its answer, until this upgrade was done; None
    for one that was lost."""
    send(stage.root, signal.SIGUSR2)
    waits = []
    end = time.monotonic() + PATIENCE
    while _upgrades(stage) < number:
        if time.monotonic() > end:
            raise StageError(f"{stage.supervisor.name}: upgrade {number} was not done")
        waits.append(next(letters))
    return waits


def _upgrades(stage: Stage) -> int:
    return (stage.directory / "output").read_text().count(DONE)


def _letters(stage: Stage) -> Iterator[float | None]:
    """Tell one service after the other to restart, each when the one before it has."""
    for directory in cycle(stage.directories()):
        control = os.open(Path(directory, "supervise/control"), os.O_WRONLY)
        begin = time.monotonic_ns()
        os.write(control, b"t")
        os.close(control)
        answer = stage.events.collect([Path(directory).name], PATIENCE)
        yield milliseconds(begin, answer.values()) if answer else None
