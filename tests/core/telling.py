"""Short words for the tests that tell the machine what happens."""

from supervise.core import machine
from supervise.core.events import (
    CLEARED,
    DIED,
    FINISHED,
    PASSED,
    TAKEN_UP,
    Actions,
    Event,
)
from supervise.core.situation import Situation


def tell(s: Situation, *kinds: str, now: float = 0.0, code: int = 0) -> Actions:
    """The actions that these events lead to, all at the same time."""
    actions: Actions = []
    for kind in kinds:
        actions += machine.handle(s, Event(kind, now, code=code))
    return actions


def down() -> Situation:
    s = Situation("down")
    tell(s, TAKEN_UP)
    return s


def checking() -> Situation:
    s = Situation("up")
    tell(s, TAKEN_UP)
    return s


def up() -> Situation:
    s = checking()
    tell(s, PASSED)
    return s


def stopping() -> Situation:
    s = up()
    tell(s, "d")
    return s


def leftovers() -> Situation:
    s = up()
    tell(s, DIED)
    return s


def finishing() -> Situation:
    s = leftovers()
    tell(s, CLEARED)
    return s


def waiting() -> Situation:
    """Until second 1, for the first failure."""
    s = finishing()
    tell(s, FINISHED)
    return s


def gone() -> Situation:
    s = down()
    tell(s, "x")
    return s


MAKERS = (down, waiting, checking, up, stopping, leftovers, finishing, gone)
EMPTY_HANDED = (down, waiting, checking, leftovers, finishing, gone)
"""Where no instance runs."""
