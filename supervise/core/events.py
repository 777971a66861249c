"""What can happen to a service, and what can be done about it: the words of the machine."""

from typing import NamedTuple

from supervise.core.backoff import Backoff

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
HANDED_OVER = "handed over"  # it is there, and all that was asked of it was done
DOUBTFUL = "doubtful"  # something runs that may or may not be it

# Actions. A Signal goes to the instance.
START = "start"
STOP = "stop"  # down-signal and CONT; the deadline of timeout-kill begins
KILL = "kill"
CHECK = "run start-check"  # the deadline of timeout-start-check begins
CLEAR = "look for leftovers"
FINISH = "run finish"  # the deadline of timeout-finish begins
KILL_HELPER = "kill the helper"  # the helper is the running finish or start-check
END_LEFTOVERS = "end the leftovers"  # TERM, and the deadline of timeout-kill begins; or KILL
KILL_LEFTOVERS = "kill the leftovers"
FORGET = "forget"

SIGCONT, SIGSTOP = 18, 19
PERMANENT_FAILURE = 125
"""Exit code by which `finish` asks not to start again, as servicedir(7) of s6."""


class Signal(NamedTuple):
    number: int


Actions = list[str | Signal]

Steps = frozenset[str | Signal]
ALL_STEPS: Steps = frozenset((CHECK, CLEAR, FINISH))
"""What lies on the way from one instance to the next, for a service that has it all."""


class Event(NamedTuple):
    """Something that happened. `code` is the exit code of `finish`; `tells` says that the service
    has a `notification-fd`; `jitter` lies between -1 and 1."""

    kind: str
    now: float
    jitter: float = 0.0
    backoff: Backoff = Backoff()
    code: int = 0
    tells: bool = False
