"""From a link or a rename into the scan directory to the first instruction."""

import time
from pathlib import Path

from bench.peers import link
from bench.session import Session
from bench.stage import Stage, StageError, milliseconds

# The pollers look every 5 s: the links come at different times within that, to all in turn, and
# only then all are waited for.
TICKS = 6
STEP = 0.85
LONGEST = 20.0


def measure(session: Session) -> None:
    for _ in range(session.settings.rounds):
        with session.stages(session.supervisors) as stages:
            running = [stage for stage in stages if _begin(session, stage)]
            begun = _link_all(session, running)
            for stage in running:
                with session.forgiving("pickup"):
                    _evaluate(session, stage, begun[stage.root])


def _begin(session: Session, stage: Stage) -> bool:
    first = stage.make(1)
    try:
        stage.start(first)
    except StageError as failure:
        session.note("pickup", str(failure))
        return False
    return True


def _link_all(session: Session, stages: list[Stage]) -> dict[int, dict[str, int]]:
    begun: dict[int, dict[str, int]] = {stage.root: {} for stage in stages}
    time.sleep(STEP)
    for tick in range(TICKS):
        end = time.monotonic() + STEP
        for stage in stages:
            [name] = stage.make(1)
            begun[stage.root][name] = _appear(stage, name, by_rename=tick % 2 == 1)
            with session.forgiving("pickup"):
                stage.supervisor.announce(stage.directory)
            time.sleep(0.03)
        time.sleep(max(end - time.monotonic(), 0))
    return begun


def _appear(stage: Stage, name: str, by_rename: bool) -> int:
    if not by_rename:
        begin = time.monotonic_ns()
        link(stage.directory, name)
        return begin
    prepared = stage.directory / "scan" / f".{name}"
    prepared.symlink_to(stage.directory / "services" / name)
    return _rename(prepared, stage.directory / "scan" / name)


def _rename(old: Path, new: Path) -> int:
    begin = time.monotonic_ns()
    old.rename(new)
    return begin


def _evaluate(session: Session, stage: Stage, begun: dict[str, int]) -> None:
    events = stage.started(list(begun), LONGEST)
    values = [milliseconds(begun[name], [event]) for name, event in events.items()]
    session.add("pickup", stage.supervisor.name, *values)
