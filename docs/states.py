"""Makes docs/states.md from the table in supervise/core/machine.py:

    .venv/bin/python docs/states.py > docs/states.md

Nothing is drawn by hand: every situation that can be reached from the beginning is given every
event, and what comes out is written down.
"""

from collections import defaultdict
from copy import copy
from typing import NamedTuple

from supervise.core import events, machine
from supervise.core.events import Event, Signal
from supervise.core.situation import NEVER, STATES, Situation
from supervise.protocol import letters

MEANING = {
    "down": "nothing runs, no start is planned",
    "waiting": "nothing runs, the next start is planned",
    "checking": "`start-check` runs; without one this is over at once",
    "up": "the instance runs",
    "stopping": "the instance runs and was told to end (`d`)",
    "leftovers": "the instance is dead, what it left in its session is not; where that is ignored,"
    " this is over at once",
    "finishing": "`finish` runs; without one this is over at once",
    "gone": "given up (`x`): supervision has ended",
}
SAID = {
    "u": "up",
    "o": "once",
    "d": "down",
    "x": "exit: give it up when it is down",
    "p": "pause",
    "c": "continue",
    "h": "HUP",
    "i": "INT",
    "q": "QUIT",
    "k": "KILL, also to `finish`, `start-check` and leftovers",
    "1": "USR1",
    "2": "USR2",
    "a": "ALRM",
    "t": "TERM",
    "w": "WINCH",
    events.TAKEN_UP: "supervision of this service begins",
    events.PASSED: "`start-check` exited 0, or there is none",
    events.REFUSED: "`start-check` ended in any other way",
    events.NOT_STARTED: "the instance could not be started",
    events.READY: "a newline came through `notification-fd`",
    events.DIED: "the instance ended",
    events.CLEARED: "its session is empty, or leftovers are ignored",
    events.FINISHED: "`finish` ended, or there is none",
    events.DUE: "the deadline has passed: of the next start in waiting, else the time to kill",
    events.CHANGED: "a path named in `watch` changed",
    events.FOUND: "what the recorded state waits for is there",
    events.HANDED_OVER: "it is there after an upgrade in place, and nothing was left undone",
    events.LOST: "it was there and has ended unseen",
    events.NEVER_BEGUN: "it was meant to begin and did not",
    events.DOUBTFUL: "something runs that may or may not be it",
}
TAKING_OVER = (events.FOUND, events.HANDED_OVER, events.LOST, events.NEVER_BEGUN, events.DOUBTFUL)
DIED_AT, DUE_AT, SHORT, LONG = 100.0, 101.0, 100.0, 200.0
"""Times of the exploration: a start was just now or long ago, the next one is due or not yet."""


class Outcome(NamedTuple):
    state: str
    actions: tuple[str, ...]


class Cell:
    """What one event can do in one state."""

    def __init__(self) -> None:
        self.outcomes: set[Outcome] = set()
        self.changes: set[str] = set()


Cells = dict[tuple[str, str], Cell]

# Exploration


def key(s: Situation) -> tuple[object, ...]:
    return tuple(getattr(s, name) for name in Situation.__slots__)


def coarse(s: Situation, now: float) -> Situation:
    """The same with few numbers, so that there are few situations."""
    s.failures = min(s.failures, 1)
    s.started_at = DIED_AT
    s.start_at = DUE_AT if s.start_at > now else NEVER
    return s


def variants(kind: str) -> list[Event]:
    codes = (0, events.PERMANENT_FAILURE) if kind == events.FINISHED else (0,)
    return [
        Event(kind, now, code=code, tells=tells)
        for now in (SHORT, LONG)
        for code in codes
        for tells in (False, True)
    ]


def explore() -> Cells:
    cells: Cells = defaultdict(Cell)
    todo = [Situation("up"), Situation("down")]
    seen = {key(s) for s in todo}
    while todo:
        before = todo.pop()
        found = [step(before, e, cells) for kind in machine.EVENTS for e in variants(kind)]
        found += [taken_over(before, normally_up) for normally_up in (False, True)]
        for after in found:
            if key(after) not in seen:
                seen.add(key(after))
                todo.append(after)
    return cells


def step(before: Situation, event: Event, cells: Cells) -> Situation:
    after = copy(before)
    actions = machine.handle(after, event)
    cell = cells[before.state, event.kind]
    cell.outcomes.add(Outcome(after.state, tuple(map(word, actions))))
    cell.changes |= {
        name for name in Situation.__slots__ if getattr(before, name) != getattr(after, name)
    }
    return coarse(after, event.now)


def taken_over(before: Situation, normally_up: bool) -> Situation:
    after = copy(before)
    machine.resume(after, normally_up)
    return after


def word(action: str | Signal) -> str:
    if not isinstance(action, Signal):
        return action
    return {events.SIGSTOP: "STOP", events.SIGCONT: "CONT"}.get(action.number, "its signal")


# The page


def diagram(cells: Cells, kinds: tuple[str, ...]) -> list[str]:
    """Without what stays in its state."""
    edges: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kind in kinds:
        for state in STATES:
            for to in sorted({one.state for one in cells[state, kind].outcomes} - {state}):
                edges[state, to].append(kind)
    lines = ["```mermaid", "stateDiagram-v2"]
    if events.TAKEN_UP in kinds:
        lines += ["    [*] --> down", "    gone --> [*]"]
    for start in STATES:
        for to in STATES:
            if edges[start, to]:
                lines.append(f"    {start} --> {to}: {', '.join(edges[start, to])}")
    return [*lines, "```"]


def rows(cells: Cells, state: str) -> list[str]:
    """Events that do the same share a row; those that do nothing have none."""
    same: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for kind in machine.EVENTS:
        cell = cells[state, kind]
        actions = {one.actions for one in cell.outcomes}
        if cell.changes or any(actions):
            same[nexts(cell, state), alternatives(actions), changes(cell)].append(kind)
    return [
        f"| {', '.join(map(shown, kinds))} | {to} | {actions} | {changed} |"
        for (to, actions, changed), kinds in same.items()
    ]


def nexts(cell: Cell, state: str) -> str:
    found = {one.state for one in cell.outcomes}
    return " or ".join("stays" if one == state else one for one in STATES if one in found)


def alternatives(actions: set[tuple[str, ...]]) -> str:
    return " or ".join(", ".join(each) or "nothing" for each in sorted(actions, reverse=True))


def changes(cell: Cell) -> str:
    return ", ".join(f"`{name}`" for name in sorted(cell.changes - {"state"}))


def shown(kind: str) -> str:
    return f"`{kind}`" if kind in letters.ALL else kind


def page() -> str:
    cells = explore()
    ordinary = tuple(kind for kind in machine.EVENTS if kind not in TAKING_OVER)
    lines = [
        "# The states of a service",
        "",
        "Made by `docs/states.py` from the table in `supervise/core/machine.py`; a test fails when"
        " the two differ.",
        "",
        *diagram(cells, ordinary),
        "",
        "One letter is a control letter (`svc -u`, ...); the other events are explained below."
        " Where one event has several arrows, nothing runs any more and the first of these that"
        " is true decides:",
        "",
        "1. It is given up (`x`): gone.",
        "2. No start is owed, or it is held: down. A start is owed to what is wanted up, and once"
        " after `o`; `d` and a `finish` that exits 125 take it away.",
        "3. The backoff has it start later: waiting.",
        "4. Else: checking.",
        "",
        "When a supervisor takes over from another one, it is told what became of what the"
        " recorded state waits for:",
        "",
        *diagram(cells, TAKING_OVER),
        "",
        "## States",
        "",
        "| state | meaning |",
        "|---|---|",
        *[f"| {state} | {MEANING[state]} |" for state in STATES],
        "",
        "## Events",
        "",
        "| event | meaning |",
        "|---|---|",
        *[f"| {shown(kind)} | {SAID[kind]} |" for kind in machine.EVENTS],
        "",
        "## What each event does in each state",
        "",
        "An event that is not listed does nothing there. The last column names what may change"
        " beside the state; the names are those of `supervise/core/situation.py`.",
    ]
    for state in STATES:
        head = ["| event | next state | what is done | what may change |", "|---|---|---|---|"]
        found = rows(cells, state)
        lines += ["", f"### {state}", "", *([*head, *found] if found else ["Nothing any more."])]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
