"""SIGKILL of svscan: until the next one is in control of every service, none of them restarted.

The peers have no such row: a supervise of theirs that is killed leaves its service to nobody."""

import os
import statistics
import sys
import time
from pathlib import Path

from bench import processes
from bench.session import Session
from bench.stage import SETTLED, Stage, StageError

ROWS = ("takeover", "takeover-few")
FEW = 10
IMPORTS = "its imports"
"""What svscan imports before it looks at the first service, in a process that does nothing else."""

_IMPORT = (
    "import supervise.commands.svscan, supervise.commands.daemon, supervise.engine.host,"
    " supervise.engine.svscan, supervise.engine.watch"
)


def measure(session: Session) -> None:
    for _ in range(session.settings.rounds):
        if session.wants("takeover"):
            _measure(session, "takeover", session.settings.services)
        if session.wants("takeover-few"):
            _measure(session, "takeover-few", FEW)
            taken = processes.run([sys.executable, "-c", _IMPORT], "/usr/bin:/bin") / 1e6
            session.add("takeover-few", IMPORTS, taken)
    imports = session.samples.get("takeover-few", {}).get(IMPORTS)
    if imports:
        session.note("takeover-few", f"{IMPORTS} alone: {statistics.median(imports):.3g} ms")


def _measure(session: Session, row: str, services: int) -> None:
    ours = session.ours
    if ours is None:
        return
    with session.forgiving(row), session.stage(ours) as stage:
        stage.start(stage.make(services))
        time.sleep(SETTLED)
        session.add(row, ours.name, _take_over(stage))


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
