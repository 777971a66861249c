"""A thousand services and back: start, memory, status of all, TERM to all, all down."""

import time

from bench.peers import Supervisor
from bench.processes import Memory, memory
from bench.session import Session
from bench.stage import SETTLED, Stage, milliseconds

ROWS = ("start", "memory", "page-tables", "svstat-all", "term-all", "down")
REPEAT = 5


def measure(session: Session) -> None:
    for number, supervisor in session.turns():
        with session.forgiving(*ROWS), session.stage(supervisor) as stage:
            _live(session, stage, supervisor, number)


def _live(session: Session, stage: Stage, supervisor: Supervisor, number: int) -> None:
    names = stage.make(session.settings.services)
    session.add("start", supervisor.name, stage.start(names))
    time.sleep(SETTLED)
    if session.wants("memory", "page-tables"):
        add_memory(session, "memory", supervisor, memory(stage.supervisors()))
    if session.wants("svstat-all"):
        _status(session, stage, REPEAT if number == 0 or not supervisor.frugal else 1)
    if session.wants("term-all"):
        session.add("term-all", supervisor.name, _term(stage, names))
        time.sleep(SETTLED)
    session.add("down", supervisor.name, stage.stop())


def add_memory(session: Session, row: str, supervisor: Supervisor, found: Memory) -> None:
    megabyte = 1e6
    judged = found.uss if row == "memory1" else found.pss
    session.add(row, supervisor.name, (judged + found.page_tables) / megabyte)
    for key in ("rss", "pss", "uss", "page_tables"):
        session.add(f"{row}/{key}", supervisor.name, getattr(found, key) / megabyte)


def _status(session: Session, stage: Stage, times: int) -> None:
    command = stage.supervisor.status(stage.directories())
    values = [stage.run(command) / 1e6 for _ in range(times)]
    session.add("svstat-all", stage.supervisor.name, *values)


def _term(stage: Stage, names: list[str]) -> float:
    stage.events.forget()
    command = stage.supervisor.term(stage.directories())
    begin = time.monotonic_ns()
    stage.run(command)
    return milliseconds(begin, stage.started(names, stage.supervisor.patience).values())
