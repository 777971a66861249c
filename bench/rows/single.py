"""The memory of a supervisor with one service."""

import time

from bench.processes import memory
from bench.rows.life import add_memory
from bench.session import Session

CALM = 0.5


def measure(session: Session) -> None:
    for _, supervisor in session.turns():
        with session.forgiving("memory1"), session.stage(supervisor) as stage:
            stage.start(stage.make(1))
            time.sleep(CALM)
            add_memory(session, "memory1", supervisor, memory(stage.supervisors()))
