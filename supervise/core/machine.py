"""The machine of one service: what happens in each state on each event.

Rule 1: every decision about a service is made here, and nowhere else.
Rule 2: nothing here touches anything. What time it is, how far the jitter goes and what the knobs
say comes in with the event; what is to be done goes out as actions.
Rule 3: the table is total. Each cell is one short function that changes the situation and returns
the actions, in the order in which they are to be carried out.

The diagram in docs/states.md is made from this table; a test fails when the two differ.
"""

from supervise.core.cells import (
    Cell,
    changed_meanwhile,
    clear_again,
    cleared,
    died,
    end_leftovers,
    finish_again,
    finished,
    hold,
    kill_instance,
    kill_late_helper,
    not_started,
    nothing,
    owed_still,
    passed,
    pause_again,
    proceed,
    ready,
    refused,
    start_again,
    stop_again,
)
from supervise.core.events import (
    CHANGED,
    CHECK,
    CLEAR,
    CLEARED,
    DIED,
    DOUBTFUL,
    DUE,
    FINISH,
    FINISHED,
    FOUND,
    HANDED_OVER,
    LOST,
    NEVER_BEGUN,
    NOT_STARTED,
    PASSED,
    READY,
    REFUSED,
    TAKEN_UP,
    Actions,
    Event,
    Signal,
    Steps,
)
from supervise.core.letter_cells import (
    continue_,
    down,
    down_checking,
    down_running,
    exit_checking,
    exit_later,
    exit_now,
    kill_helper,
    kill_leftovers,
    once_begin,
    once_later,
    once_running,
    pause,
    send,
    send_deadly,
    up_begin,
    up_later,
    up_running,
)
from supervise.core.situation import STATES, Situation


def handle(situation: Situation, event: Event) -> Actions:
    """What is to be done. Changes the situation.

    :raises KeyError: where the event is none of EVENTS.
    """
    return TABLE[event.kind][_COLUMN[situation.state]](situation, event)


def pass_over(situation: Situation, event: Event, actions: Actions, steps: Steps) -> Actions:
    """The actions that answered this event, without those steps on the way that the service has not
    got: each is answered at once, as it is where there is nothing to do.

    :param steps: which of CHECK, CLEAR and FINISH it has.
    """
    while actions and (over := _OVER.get(actions[-1])) and actions[-1] not in steps:
        actions = actions[:-1] + TABLE[over][_COLUMN[situation.state]](situation, event)
    return actions


def resume(situation: Situation, normally_up: bool) -> None:
    """Make a situation that a dead supervisor left our own.

    Its `x` is void: whoever starts a supervisor wants supervision. As after any order to end, the
    `down` file alone says then what is wanted.
    """
    if situation.exiting:
        situation.exiting = False
        situation.want = "up" if normally_up else "down"
        situation.owed = normally_up


# The table

_OVER: dict[str | Signal, str] = {CHECK: PASSED, CLEAR: CLEARED, FINISH: FINISHED}
_COLUMN = {state: column for column, state in enumerate(STATES)}


def while_running(
    cell: Cell, leftovers: Cell = nothing, helper: Cell = nothing
) -> tuple[Cell, ...]:
    return (nothing, nothing, helper, cell, cell, leftovers, helper, nothing)


# fmt: off
TABLE: dict[str, tuple[Cell, ...]] = {
    #     down         waiting      checking        up             stopping       leftovers    finishing    gone
    "u": (up_begin,   up_begin,   up_later,      up_running,   up_running,   up_later,   up_later,   nothing),
    "o": (once_begin, once_begin, once_later,    once_running, once_running, once_later, once_later, nothing),
    "d": (down,       down,       down_checking, down_running, down_running, down,       down,       nothing),
    "x": (exit_now,   exit_now,   exit_checking, exit_later,   exit_later,   exit_later, exit_later, nothing),
    "p": while_running(pause),
    "c": while_running(continue_),
    "h": while_running(send(1)),
    "i": while_running(send_deadly(2)),
    "q": while_running(send_deadly(3)),
    "k": while_running(send_deadly(9), leftovers=kill_leftovers, helper=kill_helper),
    "1": while_running(send(10)),
    "2": while_running(send(12)),
    "a": while_running(send(14)),
    "t": while_running(send_deadly(15)),
    "w": while_running(send(28)),

    #            down      waiting  checking           up           stopping       leftovers      finishing         gone
    TAKEN_UP:   (proceed, nothing, nothing,           nothing,     nothing,       nothing,       nothing,          nothing),
    PASSED:     (nothing, nothing, passed,            nothing,     nothing,       nothing,       nothing,          nothing),
    REFUSED:    (nothing, nothing, refused,           nothing,     nothing,       nothing,       nothing,          nothing),
    NOT_STARTED:(nothing, nothing, nothing,           not_started, not_started,   nothing,       nothing,          nothing),
    READY:      (nothing, nothing, nothing,           ready,       ready,         nothing,       nothing,          nothing),
    DIED:       (nothing, nothing, nothing,           died,        died,          nothing,       nothing,          nothing),
    CLEARED:    (nothing, nothing, nothing,           nothing,     nothing,       cleared,       nothing,          nothing),
    FINISHED:   (nothing, nothing, nothing,           nothing,     nothing,       nothing,       finished,         nothing),
    DUE:        (nothing, proceed, kill_late_helper,  nothing,     kill_instance, end_leftovers, kill_late_helper, nothing),
    CHANGED:    (nothing, proceed, changed_meanwhile, nothing,     nothing,       nothing,       nothing,          nothing),

    #            down     waiting  checking  up           stopping     leftovers    finishing     gone
    FOUND:      (owed_still, nothing, nothing, pause_again, stop_again,  clear_again, nothing,      nothing),
    HANDED_OVER:(nothing, nothing, nothing,  nothing,     nothing,     clear_again, nothing,      nothing),
    LOST:       (nothing, nothing, proceed, died,        died,        clear_again, finished,     nothing),
    NEVER_BEGUN:(nothing, nothing, proceed, start_again, start_again, clear_again, finish_again, nothing),
    DOUBTFUL:   (hold,    nothing, nothing, nothing,     nothing,     nothing,     nothing,      nothing),
}
# fmt: on
EVENTS = tuple(TABLE)
