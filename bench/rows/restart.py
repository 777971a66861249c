"""From the SIGKILL of a service that was up for a while to the first instruction of the next."""

import os
import signal
import time

from bench.session import Session
from bench.stage import SETTLED, Stage, milliseconds

SERVICES = 20
SLOW = 500.0  # milliseconds; who takes so long is asked only
FEW = 3  # times a round

# Ours counts a death as early until then; daemontools until one second.
RESET = {"backoff/reset": "1\n"}


def measure(session: Session) -> None:
    for _, supervisor in session.turns():
        with session.forgiving("restart"), session.stage(supervisor) as stage:
            names = stage.make(SERVICES, RESET)
            stage.supervisor.prepare(stage.directory, names)
            session.add("restart", supervisor.name, *_kills(stage, names))


def _kills(stage: Stage, names: list[str]) -> list[float]:
    stage.root = stage.supervisor.start(stage.directory, stage.directory / "output")
    pids = {name: event.pid for name, event in stage.started(names, 20).items()}
    time.sleep(SETTLED)
    taken: list[float] = []
    for name in names:
        begin = time.monotonic_ns()
        os.kill(pids[name], signal.SIGKILL)
        taken.append(milliseconds(begin, stage.started([name], 10).values()))
        if len(taken) >= FEW and min(taken) > SLOW:
            break
        time.sleep(0.02)
    return taken
