"""The cells of the table: what one event does in one state, each a few lines."""

from collections.abc import Callable

from supervise.core.backoff import after_death
from supervise.core.events import (
    CHECK,
    CLEAR,
    FINISH,
    FORGET,
    KILL,
    KILL_HELPER,
    KILL_LEFTOVERS,
    PERMANENT_FAILURE,
    SIGCONT,
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
    STOPPING,
    UP,
    WAITING,
    Situation,
)

Cell = Callable[[Situation, Event], Actions]

# The cells: nothing


def nothing(s: Situation, e: Event) -> Actions:
    return []


# The cells: what the letters ask for


def set_want(s: Situation, want: str) -> None:
    s.want = want
    s.failures = 0
    s.failed = s.held = False


def up_begin(s: Situation, e: Event) -> Actions:
    set_want(s, "up")
    return begin(s)


def up_later(s: Situation, e: Event) -> Actions:
    set_want(s, "up")
    s.owed = True
    s.start_at = e.now
    return []


def up_running(s: Situation, e: Event) -> Actions:
    set_want(s, "up")
    return []


def once_begin(s: Situation, e: Event) -> Actions:
    set_want(s, "once")
    return begin(s)


def once_later(s: Situation, e: Event) -> Actions:
    up_later(s, e)
    s.want = "once"
    return []


def once_running(s: Situation, e: Event) -> Actions:
    set_want(s, "once")
    return []


def down(s: Situation, e: Event) -> Actions:
    s.want = "down"
    s.owed = False
    if s.state == WAITING:
        s.state = DOWN
    return []


def down_checking(s: Situation, e: Event) -> Actions:
    s.want = "down"
    s.owed = False
    s.asked = True
    return [KILL_HELPER]


def down_running(s: Situation, e: Event) -> Actions:
    s.want = "down"
    s.state = STOPPING
    s.asked = True
    s.paused = False
    return [STOP]


def exit_now(s: Situation, e: Event) -> Actions:
    s.exiting = True
    return settle(s, e)


def exit_later(s: Situation, e: Event) -> Actions:
    s.exiting = True
    return []


def exit_checking(s: Situation, e: Event) -> Actions:
    s.exiting = True
    return [KILL_HELPER]


def pause(s: Situation, e: Event) -> Actions:
    s.paused = True
    return [Signal(SIGSTOP)]


def continue_(s: Situation, e: Event) -> Actions:
    s.paused = False
    return [Signal(SIGCONT)]


def send(number: int) -> Cell:
    def send(s: Situation, e: Event) -> Actions:
        return [Signal(number)]

    return send


def send_deadly(number: int) -> Cell:
    def send(s: Situation, e: Event) -> Actions:
        s.asked = True
        return [Signal(number)]

    return send


def kill_helper(s: Situation, e: Event) -> Actions:
    return [KILL_HELPER]


def kill_leftovers(s: Situation, e: Event) -> Actions:
    return [KILL_LEFTOVERS]


# The cells: the way up


def taken_up(s: Situation, e: Event) -> Actions:
    return begin(s) if s.owed else []


def begin(s: Situation) -> Actions:
    s.owed = True
    s.state = CHECKING
    s.deadline = NEVER
    return [CHECK]


def retry(s: Situation, e: Event) -> Actions:
    return begin(s)


def passed(s: Situation, e: Event) -> Actions:
    if s.exiting or not s.owed:
        return settle(s, e)
    s.state = UP
    s.owed = s.paused = s.asked = False
    s.readiness = "not yet" if e.tells else "untold"
    s.started_at = e.now
    return [START]


def refused(s: Situation, e: Event) -> Actions:
    s.started_at = e.now
    s.owed = s.owed and s.want == "up"
    count(s, e)
    s.asked = False
    return settle(s, e)


def not_started(s: Situation, e: Event) -> Actions:
    s.owed = s.want == "up"
    s.readiness = "untold"
    count(s, e)
    s.asked = False
    return settle(s, e)


def ready(s: Situation, e: Event) -> Actions:
    s.readiness = "ready"
    return []


# The cells: the way down


def count(s: Situation, e: Event) -> None:
    if s.asked:
        s.start_at = e.now
        return
    s.failures, s.start_at = after_death(s.failures, s.started_at, e.now, e.backoff, e.jitter)


def died(s: Situation, e: Event) -> Actions:
    count(s, e)
    s.owed = s.want == "up"
    s.asked = s.paused = False
    s.readiness = "untold"
    s.deadline = NEVER
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
    return begin(s)


# The cells: deadlines


def kill_instance(s: Situation, e: Event) -> Actions:
    s.deadline = NEVER
    return [KILL]


def give_up_helper(s: Situation, e: Event) -> Actions:
    s.deadline = NEVER
    return [KILL_HELPER]


def end_leftovers(s: Situation, e: Event) -> Actions:
    s.deadline = NEVER
    return [KILL_LEFTOVERS]


# The cells: taking over


def check_again(s: Situation, e: Event) -> Actions:
    return [CHECK] if s.owed and not s.exiting else settle(s, e)


def stop_again(s: Situation, e: Event) -> Actions:
    return [STOP]


def clear_again(s: Situation, e: Event) -> Actions:
    return [CLEAR]


def finish_again(s: Situation, e: Event) -> Actions:
    return [FINISH]


def start_again(s: Situation, e: Event) -> Actions:
    s.owed = True
    s.start_at = e.now
    return settle(s, e)


def hold(s: Situation, e: Event) -> Actions:
    s.held = True
    return []
