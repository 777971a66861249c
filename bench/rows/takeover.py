"""SIGKILL of svscan: until the next one is in control of every service, none of them restarted.

The peers have no such row: a supervise of theirs that is killed leaves its service to nobody."""

import os
import time
from pathlib import Path

from bench import processes
from bench.session import Session
from bench.stage import SETTLED, Stage, StageError


def measure(session: Session) -> None:
    ours = session.ours
    if ours is None:
        return
    for _ in range(session.settings.rounds):
        with session.forgiving("takeover"), session.stage(ours) as stage:
            names = stage.make(session.settings.services)
            stage.start(names)
            time.sleep(SETTLED)
            session.add("takeover", ours.name, _take_over(stage))


def _take_over(stage: Stage) -> float:
    directories = [Path(directory) / "supervise" for directory in stage.directories()]
    before = [_pid(directory) for directory in directories]
    stage.kill_root()
    stage.events.forget()
    begin = time.monotonic_ns()
    stage.root = stage.supervisor.start(stage.directory, stage.directory / "output")
    _wait_for_readers(stage, directories)
    taken = (time.monotonic_ns() - begin) / 1e6
    if [_pid(directory) for directory in directories] != before or stage.events.forget():
        raise StageError(f"{stage.supervisor.name}: services changed when they were taken over")
    stage.stop()
    return taken


def _pid(directory: Path) -> int:
    return int.from_bytes((directory / "status").read_bytes()[12:16], "little")


def _wait_for_readers(stage: Stage, directories: list[Path]) -> None:
    """Opening a FIFO for writing waits until somebody reads it: svok, without asking again."""
    try:
        with processes.limit(stage.supervisor.patience):
            for directory in directories:
                os.close(os.open(directory / "ok", os.O_WRONLY))
    except processes.TooLateError:
        raise StageError(f"{stage.supervisor.name}: not all services were taken over") from None
