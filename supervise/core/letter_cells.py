"""The cells of the table: what a control letter asks for, in one state, each a few lines."""

from supervise.core.cells import Cell, begin, settle
from supervise.core.events import (
    KILL_HELPER,
    KILL_LEFTOVERS,
    SIGCONT,
    SIGSTOP,
    STOP,
    Actions,
    Event,
    Signal,
)
from supervise.core.situation import DOWN, STOPPING, WAITING, Situation

# What is wanted


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
    s.asked = True
    return [KILL_HELPER]


def kill_leftovers(s: Situation, e: Event) -> Actions:
    return [KILL_LEFTOVERS]
