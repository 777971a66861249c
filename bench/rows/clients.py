"""svstat and svc of one service, whole processes, and what a bare Python takes for nothing."""

import sys

from bench.processes import run
from bench.session import Session
from bench.stage import Stage, StageError

EACH_ROUND = 10
PYTHON = "python -c pass"


def measure(session: Session) -> None:
    with session.stages(session.supervisors) as stages:
        running = [stage for stage in stages if _begin(session, stage)]
        for _ in range(session.settings.rounds):
            for turn in range(EACH_ROUND):
                _bare(session)
                for stage in running:
                    if turn == 0 or not stage.supervisor.frugal:
                        _one(session, stage)


def _begin(session: Session, stage: Stage) -> bool:
    try:
        stage.start(stage.make(1))
    except StageError as failure:
        session.note("svstat", str(failure))
        return False
    return True


def _bare(session: Session) -> None:
    taken = run([sys.executable, "-c", "pass"], "/usr/bin:/bin") / 1e6
    session.add("svstat", PYTHON, taken)
    session.add("svc", PYTHON, taken)


def _one(session: Session, stage: Stage) -> None:
    with session.forgiving("svstat", "svc"):
        name, directories = stage.supervisor.name, stage.directories()
        session.add("svstat", name, stage.run(stage.supervisor.status(directories)) / 1e6)
        session.add("svc", name, stage.run(stage.supervisor.nudge(directories)) / 1e6)
