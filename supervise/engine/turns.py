"""One thing after the other: what happens to a service waits until all before it is answered."""

from collections.abc import Callable
from functools import partial

from supervise.core.events import Event
from supervise.engine.spawn import Outcome, Program, Spawner


class Turns:
    """:param answer: told one event, carries out what is to be done.
    :param all_answered: called when no event is left to answer.
    :param fault: told of an exception of the two.
    """

    __slots__ = (
        "_all_answered",
        "_answer",
        "_busy",
        "_events",
        "_fault",
        "_known",
        "_spawner",
        "_spawning",
    )

    def __init__(
        self,
        spawner: Spawner,
        answer: Callable[[Event], None],
        all_answered: Callable[[], None],
        fault: Callable[[Exception], None],
    ) -> None:
        self._spawner = spawner
        self._answer = answer
        self._all_answered = all_answered
        self._fault = fault
        self._events: list[Event] = []  # a deque takes ten times the room, empty
        self._busy = self._spawning = False
        self._known: Callable[[], None] | None = None

    @property
    def spawning(self) -> bool:
        """Whether a start is under way, so that what is fed waits for its outcome."""
        return self._spawning

    def when_known(self, call: Callable[[], None]) -> None:
        """Call it once, when that outcome is known; what was fed before is answered then, before
        the loop goes on."""
        self._known = call

    def feed(self, happened: list[Event]) -> None:
        if self._busy:
            # Told from within an action: the answer to one event is complete before the next.
            self._events[:0] = happened
            return
        self._events.extend(happened)
        if not self._spawning:
            self._go_about(self._work)

    def forget(self) -> None:
        """What was not answered yet will not be."""
        self._events.clear()

    def spawn(self, program: Program, then: Callable[[Outcome], None]) -> None:
        """Until the outcome is known, whatever else happens waits."""

        def known(outcome: Outcome) -> None:
            self._spawned(then, outcome)

        self._spawning = True
        self._spawner.spawn(program, known)

    def wait_for_outcomes(self) -> None:
        """Wait for that outcome."""
        if self._spawning:
            self._spawner.wait_for_outcomes()

    def _spawned(self, then: Callable[[Outcome], None], outcome: Outcome) -> None:
        self._spawning = False
        if self._known is not None:
            call, self._known = self._known, None
            call()
        if self._busy:  # known at once, within the action
            then(outcome)
        else:
            self._go_about(partial(self._resume, then, outcome))

    def _resume(self, then: Callable[[Outcome], None], outcome: Outcome) -> None:
        then(outcome)
        self._work()

    def _go_about(self, work: Callable[[], None]) -> None:
        self._busy = True
        try:
            work()
        except Exception as error:
            self._fault(error)
        finally:
            self._busy = False

    def _work(self) -> None:
        while self._events and not self._spawning:
            self._answer(self._events.pop(0))
        if not self._spawning:
            self._all_answered()
