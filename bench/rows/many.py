"""Ten thousand services, or as many as the limit of descriptors lets in.

Ours alone: the tables of the others end at 1000."""

import resource
import time

from bench.processes import memory
from bench.session import Session
from bench.stage import SETTLED, Stage, milliseconds

QUIET = 5.0
LONGEST = 120.0


def measure(session: Session) -> None:
    ours = session.ours
    if ours is None:
        return
    with session.forgiving("many", "many-memory"), session.stage(ours) as stage:
        names = stage.make(session.settings.many)
        begin = stage.begin(names)
        events = stage.events.trickle(QUIET, LONGEST)
        session.add("many", ours.name, milliseconds(begin, events.values()))
        _describe(session, stage, len(events), len(names))


def _describe(session: Session, stage: Stage, fitted: int, asked: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    session.note("many", f"{fitted} of {asked} services ran, with at most {hard} descriptors")
    session.add("many/services", stage.supervisor.name, fitted)
    time.sleep(SETTLED)
    found = memory(stage.supervisors())
    session.add("many-memory", stage.supervisor.name, (found.pss + found.page_tables) / 1e6)
    taken = stage.stop()
    session.note("many", f"all down again after {taken:.0f} ms")
