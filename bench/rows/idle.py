"""Wake-ups with nothing to do. All are idle at the same time: none can disturb another.

Then, as so many services have been up for a while, some of them are killed."""

import time

from bench.processes import wake_ups
from bench.rows.restart import DOZEN, kill_in_turn
from bench.session import Session
from bench.stage import Stage, StageError

CALM = 6.0  # seconds after the last start; more than a round of the pollers

ALSO: dict[str, tuple[str, ...]] = {"idle1": (), "idle": ("restart-all",)}


def measure(session: Session) -> None:
    counts = {"idle1": 1, "idle": session.settings.services}
    wanted = [row for row in counts if session.wants(row, *ALSO[row])]
    with session.stages([each for _ in wanted for each in session.supervisors]) as stages:
        rows = [row for row in wanted for _ in session.supervisors]
        pairs = list(zip(rows, stages, strict=True))
        running = [pair for pair in pairs if _begin(session, *pair, counts[pair[0]])]
        time.sleep(CALM)
        _count(session, running)
        if session.wants("restart-all"):
            full = [stage for row, stage in running if row == "idle"]
            kill_in_turn(session, "restart-all", full, DOZEN)


def _begin(session: Session, row: str, stage: Stage, count: int) -> bool:
    try:
        stage.start(stage.make(count))
    except StageError as failure:
        session.note(row, str(failure))
        return False
    return True


def _count(session: Session, running: list[tuple[str, Stage]]) -> None:
    pids = [stage.supervisors() for _, stage in running]
    before = [wake_ups(each) for each in pids]
    time.sleep(session.settings.idle_seconds)
    for (row, stage), each, count in zip(running, pids, before, strict=True):
        session.add(row, stage.supervisor.name, wake_ups(each) - count)
