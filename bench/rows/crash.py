"""A service that cannot start (`exit 1`): what its supervisor spends on it, children included.

Twenty such services each, because one alone uses too little to be told from noise; the row shows
the milliseconds for one. All supervisors run at the same time: CPU time counts, and there is little
of it."""

import time

from bench.processes import end_and_account, time_run
from bench.session import Session
from bench.stage import Stage, StageError

SERVICES = 20
CALM = 1.0
FIRST = 10.0


def measure(session: Session) -> None:
    with session.stages(session.supervisors, crash=True) as stages:
        spent = [_begin(stage) for stage in stages]
        ends = [_loop(session, stage) for stage in stages]
        for end, before, stage in sorted(
            zip(ends, spent, stages, strict=True), key=lambda each: each[0]
        ):
            if end:
                _end(session, stage, end, before)


def _begin(stage: Stage) -> float:
    """What it has used before it sees the first service."""
    stage.begin([])
    time.sleep(CALM)
    return time_run(stage.supervisors())


def _loop(session: Session, stage: Stage) -> float:
    """When the time is over that began with the first start."""
    names = stage.make(SERVICES)
    stage.supervisor.prepare(stage.directory, names)
    try:
        stage.supervisor.announce(stage.directory)
        stage.started(names[:1], FIRST)
    except StageError as failure:
        session.note("crash", str(failure))
        return 0.0
    return time.monotonic() + session.settings.crash_seconds


def _end(session: Session, stage: Stage, end: float, before: float) -> None:
    time.sleep(max(end - time.monotonic(), 0))
    spent = end_and_account(stage.supervisors()) - before
    session.add("crash", stage.supervisor.name, spent * 1000 / SERVICES)
    starts = stage.events.forget()
    session.add("crash/starts", stage.supervisor.name, starts / SERVICES)
