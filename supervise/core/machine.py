"""The machine of one service: what happens in each state on each event.

Rule 1: every decision about a service is made here, and nowhere else.
Rule 2: nothing here touches anything. What time it is, how far the jitter goes and what the knobs
say comes in with the event; what is to be done goes out as actions.
Rule 3: the table is total. Each cell is one short function that changes the situation and returns
the actions, in the order in which they are to be carried out.

The diagram in docs/states.md is made from this table; a test fails when the two differ.
"""

from collections.abc import Callable
from typing import NamedTuple

from supervise.core.backoff import Backoff, after_death
from supervise.core.situation import (
    CHECKING,
    DOWN,
    FINISHING,
    GONE,
    LEFTOVERS,
    NEVER,
    STATES,
    STOPPING,
    UP,
    WAITING,
    Situation,
)

# Events, beside the control letters, which are events by themselves.
TAKEN_UP = "taken up"  # supervision of this service begins
PASSED = "check passed"  # start-check exited 0, or there is none
REFUSED = "check refused"  # start-check exited with anything else
NOT_STARTED = "not started"  # the instance could not be spawned
READY = "ready"  # a newline came through notification-fd
DIED = "died"  # the instance ended
CLEARED = "cleared"  # its session is empty, or leftovers are ignored
FINISHED = "finished"  # finish ended, or there is none
DUE = "due"  # the deadline has passed
CHANGED = "watch changed"  # a path named in `watch` changed
# At a taking over, of what the recorded state waits for:
FOUND = "found"  # it is there
LOST = "lost"  # it was there and has ended unseen
NEVER_BEGUN = "never begun"  # it was meant to begin and did not
DOUBTFUL = "doubtful"  # something runs that may or may not be it

# Actions. A Signal goes to the instance.
START = "start"
STOP = "stop"  # down-signal and CONT; the deadline of timeout-kill begins
KILL = "kill"
CHECK = "run start-check"
CLEAR = "look for leftovers"
FINISH = "run finish"  # the deadline of timeout-finish begins
KILL_HELPER = "kill the helper"  # the helper is the running finish or start-check
KILL_LEFTOVERS = "kill the leftovers"
FORGET = "forget"

SIGCONT, SIGSTOP = 18, 19
PERMANENT_FAILURE = 125
"""Exit code by which `finish` asks not to start again, as servicedir(7) of s6."""


class Signal(NamedTuple):
    number: int


Actions = list[str | Signal]


class Event(NamedTuple):
    """Something that happened. `code` is the exit code of `finish`; `tells` says that the service
    has a `notification-fd`; `jitter` lies between -1 and 1."""

    kind: str
    now: float
    jitter: float = 0.0
    backoff: Backoff = Backoff()
    code: int = 0
    tells: bool = False


Cell = Callable[[Situation, Event], Actions]


def handle(situation: Situation, event: Event) -> Actions:
    """What is to be done. Changes the situation.

    :raises KeyError: where the event is none of EVENTS.
    """
    return TABLE[event.kind][_COLUMN[situation.state]](situation, event)


def resume(situation: Situation, normally_up: bool) -> None:
    """Make a situation that a dead supervisor left our own.

    Its `x` is void: whoever starts a supervisor wants supervision. As after any order to end, the
    `down` file alone says then what is wanted.
    """
    if situation.exiting:
        situation.exiting = False
        situation.want = "up" if normally_up else "down"
        situation.owed = normally_up


# The cells: nothing


def _nothing(s: Situation, e: Event) -> Actions:
    return []


# The cells: what the letters ask for


def _want(s: Situation, want: str) -> None:
    s.want = want
    s.failures = 0
    s.failed = s.held = False


def _up_begin(s: Situation, e: Event) -> Actions:
    _want(s, "up")
    return _begin(s)


def _up_later(s: Situation, e: Event) -> Actions:
    _want(s, "up")
    s.owed = True
    s.start_at = e.now
    return []


def _up_running(s: Situation, e: Event) -> Actions:
    _want(s, "up")
    return []


def _once_begin(s: Situation, e: Event) -> Actions:
    _want(s, "once")
    return _begin(s)


def _once_later(s: Situation, e: Event) -> Actions:
    _up_later(s, e)
    s.want = "once"
    return []


def _once_running(s: Situation, e: Event) -> Actions:
    _want(s, "once")
    return []


def _down(s: Situation, e: Event) -> Actions:
    s.want = "down"
    s.owed = False
    if s.state == WAITING:
        s.state = DOWN
    return []


def _down_checking(s: Situation, e: Event) -> Actions:
    s.want = "down"
    s.owed = False
    s.asked = True
    return [KILL_HELPER]


def _down_running(s: Situation, e: Event) -> Actions:
    s.want = "down"
    s.state = STOPPING
    s.asked = True
    s.paused = False
    return [STOP]


def _exit_now(s: Situation, e: Event) -> Actions:
    s.exiting = True
    return _settle(s, e)


def _exit_later(s: Situation, e: Event) -> Actions:
    s.exiting = True
    return []


def _exit_checking(s: Situation, e: Event) -> Actions:
    s.exiting = True
    return [KILL_HELPER]


def _pause(s: Situation, e: Event) -> Actions:
    s.paused = True
    return [Signal(SIGSTOP)]


def _continue(s: Situation, e: Event) -> Actions:
    s.paused = False
    return [Signal(SIGCONT)]


def _send(number: int) -> Cell:
    def send(s: Situation, e: Event) -> Actions:
        return [Signal(number)]

    return send


def _send_deadly(number: int) -> Cell:
    def send(s: Situation, e: Event) -> Actions:
        s.asked = True
        return [Signal(number)]

    return send


def _kill_helper(s: Situation, e: Event) -> Actions:
    return [KILL_HELPER]


def _kill_leftovers(s: Situation, e: Event) -> Actions:
    return [KILL_LEFTOVERS]


# The cells: the way up


def _taken_up(s: Situation, e: Event) -> Actions:
    return _begin(s) if s.owed else []


def _begin(s: Situation) -> Actions:
    s.owed = True
    s.state = CHECKING
    s.deadline = NEVER
    return [CHECK]


def _retry(s: Situation, e: Event) -> Actions:
    return _begin(s)


def _passed(s: Situation, e: Event) -> Actions:
    if s.exiting or not s.owed:
        return _settle(s, e)
    s.state = UP
    s.owed = s.paused = s.asked = False
    s.readiness = "not yet" if e.tells else "untold"
    s.started_at = e.now
    return [START]


def _refused(s: Situation, e: Event) -> Actions:
    s.started_at = e.now
    s.owed = s.owed and s.want == "up"
    _count(s, e)
    s.asked = False
    return _settle(s, e)


def _not_started(s: Situation, e: Event) -> Actions:
    s.owed = s.want == "up"
    s.readiness = "untold"
    _count(s, e)
    s.asked = False
    return _settle(s, e)


def _ready(s: Situation, e: Event) -> Actions:
    s.readiness = "ready"
    return []


# The cells: the way down


def _count(s: Situation, e: Event) -> None:
    if s.asked:
        s.start_at = e.now
        return
    s.failures, s.start_at = after_death(s.failures, s.started_at, e.now, e.backoff, e.jitter)


def _died(s: Situation, e: Event) -> Actions:
    _count(s, e)
    s.owed = s.want == "up"
    s.asked = s.paused = False
    s.readiness = "untold"
    s.deadline = NEVER
    s.state = LEFTOVERS
    return [CLEAR]


def _cleared(s: Situation, e: Event) -> Actions:
    s.state = FINISHING
    s.deadline = NEVER
    return [FINISH]


def _finished(s: Situation, e: Event) -> Actions:
    if e.code == PERMANENT_FAILURE:
        s.failed = True
        s.want = "down"
        s.owed = False
    return _settle(s, e)


def _settle(s: Situation, e: Event) -> Actions:
    """Nothing runs any more: what next?"""
    s.deadline = NEVER
    if s.exiting:
        s.state = GONE
        return [FORGET]
    if s.held or not s.owed:
        s.state = DOWN
        return []
    if e.now < s.start_at:
        s.state = WAITING
        return []
    return _begin(s)


# The cells: deadlines


def _kill_instance(s: Situation, e: Event) -> Actions:
    s.deadline = NEVER
    return [KILL]


def _give_up_helper(s: Situation, e: Event) -> Actions:
    s.deadline = NEVER
    return [KILL_HELPER]


def _end_leftovers(s: Situation, e: Event) -> Actions:
    s.deadline = NEVER
    return [KILL_LEFTOVERS]


# The cells: taking over


def _check_again(s: Situation, e: Event) -> Actions:
    return [CHECK] if s.owed and not s.exiting else _settle(s, e)


def _stop_again(s: Situation, e: Event) -> Actions:
    return [STOP]


def _clear_again(s: Situation, e: Event) -> Actions:
    return [CLEAR]


def _finish_again(s: Situation, e: Event) -> Actions:
    return [FINISH]


def _start_again(s: Situation, e: Event) -> Actions:
    s.owed = True
    s.start_at = e.now
    return _settle(s, e)


def _hold(s: Situation, e: Event) -> Actions:
    s.held = True
    return []


# The table

_COLUMN = {state: column for column, state in enumerate(STATES)}


def _while_running(cell: Cell, leftovers: Cell = _nothing, helper: Cell = _nothing) -> tuple[Cell, ...]:
    return (_nothing, _nothing, helper, cell, cell, leftovers, helper, _nothing)


# fmt: off
TABLE: dict[str, tuple[Cell, ...]] = {
    #     down         waiting      checking        up             stopping       leftovers    finishing    gone
    "u": (_up_begin,   _up_begin,   _up_later,      _up_running,   _up_running,   _up_later,   _up_later,   _nothing),
    "o": (_once_begin, _once_begin, _once_later,    _once_running, _once_running, _once_later, _once_later, _nothing),
    "d": (_down,       _down,       _down_checking, _down_running, _down_running, _down,       _down,       _nothing),
    "x": (_exit_now,   _exit_now,   _exit_checking, _exit_later,   _exit_later,   _exit_later, _exit_later, _nothing),
    "p": _while_running(_pause),
    "c": _while_running(_continue),
    "h": _while_running(_send(1)),
    "i": _while_running(_send_deadly(2)),
    "q": _while_running(_send_deadly(3)),
    "k": _while_running(_send_deadly(9), leftovers=_kill_leftovers, helper=_kill_helper),
    "1": _while_running(_send(10)),
    "2": _while_running(_send(12)),
    "a": _while_running(_send(14)),
    "t": _while_running(_send_deadly(15)),
    "w": _while_running(_send(28)),

    #            down       waiting   checking  up            stopping        leftovers       finishing        gone
    TAKEN_UP:   (_taken_up, _nothing, _nothing, _nothing,     _nothing,       _nothing,       _nothing,        _nothing),
    PASSED:     (_nothing,  _nothing, _passed,  _nothing,     _nothing,       _nothing,       _nothing,        _nothing),
    REFUSED:    (_nothing,  _nothing, _refused, _nothing,     _nothing,       _nothing,       _nothing,        _nothing),
    NOT_STARTED:(_nothing,  _nothing, _nothing, _not_started, _not_started,   _nothing,       _nothing,        _nothing),
    READY:      (_nothing,  _nothing, _nothing, _ready,       _ready,         _nothing,       _nothing,        _nothing),
    DIED:       (_nothing,  _nothing, _nothing, _died,        _died,          _nothing,       _nothing,        _nothing),
    CLEARED:    (_nothing,  _nothing, _nothing, _nothing,     _nothing,       _cleared,       _nothing,        _nothing),
    FINISHED:   (_nothing,  _nothing, _nothing, _nothing,     _nothing,       _nothing,       _finished,       _nothing),
    DUE:        (_nothing,  _retry,   _nothing, _nothing,     _kill_instance, _end_leftovers, _give_up_helper, _nothing),
    CHANGED:    (_nothing,  _retry,   _nothing, _nothing,     _nothing,       _nothing,       _nothing,        _nothing),

    #            down      waiting   checking      up            stopping      leftovers     finishing      gone
    FOUND:      (_nothing, _nothing, _nothing,     _nothing,     _stop_again,  _clear_again, _nothing,      _nothing),
    LOST:       (_nothing, _nothing, _check_again, _died,        _died,        _clear_again, _finished,     _nothing),
    NEVER_BEGUN:(_nothing, _nothing, _check_again, _start_again, _start_again, _clear_again, _finish_again, _nothing),
    DOUBTFUL:   (_hold,    _nothing, _nothing,     _nothing,     _nothing,      _nothing,     _nothing,      _nothing),
}
# fmt: on
EVENTS = tuple(TABLE)
