"""The cells of the table: what one event does in one state, each a few lines.

Those of the control letters are in `letter_cells`.
"""

from collections.abc import Callable

from supervise.core.backoff import after_death
from supervise.core.events import (
    CHECK,
    CLEAR,
    END_LEFTOVERS,
    FINISH,
    FORGET,
    KILL,
    KILL_HELPER,
    PERMANENT_FAILURE,
    SIGSTOP,
    START,
    STOP,
    Actions,
    Event,
    Signal,
)
from supervise.core.situation import (
    CHECKING,
    DOWN,
    FINISHING,
    GONE,
    LEFTOVERS,
    NEVER,
    UP,
    WAITING,
    Situation,
)

Cell = Callable[[Situation, Event], Actions]


def nothing(s: Situation, e: Event) -> Actions:
    return []


# The way up


def begin(s: Situation) -> Actions:
    s.owed = True
    s.state = CHECKING
    return [CHECK]


def proceed(s: Situation, e: Event) -> Actions:
    """Nothing runs: start at once what may start."""
    s.start_at = e.now
    return settle(s, e)


def owed_still(s: Situation, e: Event) -> Actions:
    """The supervisor before us died before it could start what it had just taken up."""
    return proceed(s, e) if s.may_start else []


def changed_meanwhile(s: Situation, e: Event) -> Actions:
    """The running check may have read what was there before, so a refusal is soon asked again."""
    s.failures = 0
    return []


def passed(s: Situation, e: Event) -> Actions:
    if not s.may_start:
        return settle(s, e)
    s.state = UP
    s.owed = s.asked = False
    s.deadline = NEVER
    s.readiness = "not yet" if e.tells else "untold"
    s.started_at = e.now
    return [START]


def refused(s: Situation, e: Event) -> Actions:
    s.started_at = e.now
    s.owed = s.owed and (s.want == "up" or s.asked)
    count(s, e)
    return settle(s, e)


def not_started(s: Situation, e: Event) -> Actions:
    s.owed = s.want == "up"
    count(s, e)
    return settle(s, e)


def ready(s: Situation, e: Event) -> Actions:
    s.readiness = "ready"
    return []


# The way down


def count(s: Situation, e: Event) -> None:
    if not s.asked:
        s.failures, s.start_at = after_death(s.failures, s.started_at, e.now, e.backoff, e.jitter)
        return
    s.start_at = e.now
    if e.now - s.started_at >= e.backoff.reset:
        s.failures = 0


def rest(s: Situation) -> None:
    """What is only true of something that runs."""
    s.deadline = NEVER
    s.asked = s.paused = False
    s.readiness = "untold"


def died(s: Situation, e: Event) -> Actions:
    count(s, e)
    rest(s)
    s.owed = s.want == "up"
    s.state = LEFTOVERS
    return [CLEAR]


def cleared(s: Situation, e: Event) -> Actions:
    s.state = FINISHING
    s.deadline = NEVER
    return [FINISH]


def finished(s: Situation, e: Event) -> Actions:
    if e.code == PERMANENT_FAILURE:
        s.failed = True
        s.want = "down"
        s.owed = False
    return settle(s, e)


def settle(s: Situation, e: Event) -> Actions:
    """Nothing runs any more: what next?"""
    rest(s)
    if s.exiting:
        s.state = GONE
        return [FORGET]
    if not s.may_start:
        s.state = DOWN
        return []
    if e.now < s.start_at:
        s.state = WAITING
        return []
    return begin(s)


# Deadlines


def kill_instance(s: Situation, e: Event) -> Actions:
    s.deadline = NEVER
    return [KILL]


def kill_late_helper(s: Situation, e: Event) -> Actions:
    s.deadline = NEVER
    return [KILL_HELPER]


def end_leftovers(s: Situation, e: Event) -> Actions:
    s.deadline = NEVER
    return [END_LEFTOVERS]


# Taking over


def pause_again(s: Situation, e: Event) -> Actions:
    """The supervisor before us may have died between the record and the signal."""
    return [Signal(SIGSTOP)] if s.paused else []


def stop_again(s: Situation, e: Event) -> Actions:
    s.paused = False
    return [STOP]


def clear_again(s: Situation, e: Event) -> Actions:
    return [CLEAR]


def finish_again(s: Situation, e: Event) -> Actions:
    return [FINISH]


def start_again(s: Situation, e: Event) -> Actions:
    s.owed = s.want != "down"
    return proceed(s, e)


def hold(s: Situation, e: Event) -> Actions:
    s.held = True
    return []
