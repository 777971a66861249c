"""From the SIGKILL of a service that was up for a while to the first instruction of the next.

All supervisors are up at the same time and each loses a service in turn; none is killed twice."""

import os
import signal
import time

from bench.session import Session
from bench.stage import Stage, StageError, milliseconds

EACH_ROUND = 12
UP = 10.5  # seconds; ours calls a death before 10 an early one, daemontools one before 1
PAUSE = 0.02
SLOW = 500.0  # milliseconds; who takes so long is asked only
FEW = 3  # times


def measure(session: Session) -> None:
    count = session.settings.rounds * EACH_ROUND
    with session.stages(session.supervisors) as stages:
        pids = {stage.root: pids for stage in stages if (pids := _begin(session, stage, count))}
        time.sleep(UP)
        for number in range(count):
            for stage in stages[number % len(stages) :] + stages[: number % len(stages)]:
                if stage.root in pids and not _too_slow(session, stage):
                    _kill(session, stage, pids[stage.root], stage.services[number])


def _begin(session: Session, stage: Stage, count: int) -> dict[str, int]:
    try:
        names = stage.make(count)
        stage.begin(names)
        return {name: event.pid for name, event in stage.started(names, 20).items()}
    except StageError as failure:
        session.note("restart", str(failure))
        return {}


def _too_slow(session: Session, stage: Stage) -> bool:
    known = session.samples.get("restart", {}).get(stage.supervisor.name, [])
    return len(known) >= FEW and min(known) > SLOW


def _kill(session: Session, stage: Stage, pids: dict[str, int], name: str) -> None:
    time.sleep(PAUSE)
    with session.forgiving("restart"):
        begin = time.monotonic_ns()
        os.kill(pids[name], signal.SIGKILL)
        taken = milliseconds(begin, stage.started([name], 10).values())
        session.add("restart", stage.supervisor.name, taken)
