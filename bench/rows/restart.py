"""From the SIGKILL of a service that was up for a while to the first instruction of the next.

All supervisors are up at the same time, with a dozen services each, as a director has, and each
loses one in turn. Once in a round for each service, which has been up for a while again by then."""

import os
import signal
import time

from bench.session import Session
from bench.stage import Stage, StageError, milliseconds

DOZEN = 12
TIMES = 3  # as many rounds as elsewhere: medians of fewer kills differ by a twentieth
UP = 10.5  # seconds; ours calls a death before 10 an early one, daemontools one before 1
PAUSE = 0.02
SLOW = 500.0  # milliseconds; who takes so long is asked only
FEW = 3  # times


def measure(session: Session) -> None:
    with session.stages(session.supervisors) as stages:
        running = [stage for stage in stages if _begin(session, stage, DOZEN)]
        for _ in range(TIMES * session.settings.rounds):
            time.sleep(UP)
            kill_in_turn(session, "restart", running, DOZEN)


def kill_in_turn(session: Session, row: str, stages: list[Stage], count: int) -> None:
    for number in range(count):
        shift = number % max(len(stages), 1)
        for stage in stages[shift:] + stages[:shift]:
            if not _too_slow(session, row, stage):
                _kill(session, row, stage, stage.services[number])


def _begin(session: Session, stage: Stage, count: int) -> bool:
    try:
        stage.start(stage.make(count))
    except StageError as failure:
        session.note("restart", str(failure))
        return False
    return True


def _too_slow(session: Session, row: str, stage: Stage) -> bool:
    known = session.samples.get(row, {}).get(stage.supervisor.name, [])
    return len(known) >= FEW and min(known) > SLOW


def _kill(session: Session, row: str, stage: Stage, name: str) -> None:
    time.sleep(PAUSE)
    with session.forgiving(row):
        begin = time.monotonic_ns()
        os.kill(stage.pids[name], signal.SIGKILL)
        taken = milliseconds(begin, stage.started([name], 10).values())
        session.add(row, stage.supervisor.name, taken)
