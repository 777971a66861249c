"""What the machine knows of one service. All of it goes into the record, so that it outlives us."""

NEVER = -1.0
"""A deadline that is not set. Times are seconds of the monotonic clock."""

DOWN = "down"
WAITING = "waiting"
CHECKING = "checking"
UP = "up"
STOPPING = "stopping"
LEFTOVERS = "leftovers"
FINISHING = "finishing"
GONE = "gone"

STATES = (DOWN, WAITING, CHECKING, UP, STOPPING, LEFTOVERS, FINISHING, GONE)
"""
    down       nothing runs, no start is planned
    waiting    nothing runs, the next start is due at `start_at`
    checking   `start-check` runs
    up         the instance runs
    stopping   the instance runs and was told to end (`d`)
    leftovers  the instance is dead, what it left in its session is not
    finishing  `finish` runs
    gone       given up (`x`): supervision has ended
"""

RUNNING = frozenset((UP, STOPPING))


class Situation:
    """The state of one service and what is wanted of it.

    `owed` says that a start is still to come: set by `u`, `o` and the death of a wanted instance,
    cleared by the start itself. `failed` is the verdict of a `finish` that exited 125, `held` says
    that a process was found which may or may not be the instance; `u` and `o` end both. `asked`
    says that a letter asked for the death to come, of the instance or of `start-check`. `deadline`
    is the time to kill: the instance in `stopping`, the leftovers, `start-check` or `finish`.
    """

    __slots__ = (
        "asked",
        "deadline",
        "exiting",
        "failed",
        "failures",
        "held",
        "owed",
        "paused",
        "readiness",
        "start_at",
        "started_at",
        "state",
        "want",
    )

    def __init__(self, want: str) -> None:
        self.state = DOWN
        self.want = want
        self.owed = want == "up"
        self.exiting = False
        self.failed = False
        self.held = False
        self.paused = False
        self.asked = False
        self.readiness = "untold"
        self.failures = 0
        self.started_at = NEVER
        self.start_at = NEVER
        self.deadline = NEVER

    @property
    def may_start(self) -> bool:
        return self.owed and not self.held and not self.exiting

    @property
    def due(self) -> float:
        """When the machine wants to hear of the passing of time again, or NEVER."""
        return self.start_at if self.state == WAITING else self.deadline
