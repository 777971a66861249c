"""Between the death of an instance and what comes next: what becomes of its leftovers."""

from collections.abc import Callable

from supervise.engine.dossier import Dossier
from supervise.engine.leftovers import PATIENCE, Leftovers


class Clearing:
    """As the knob `leftovers` says.

    :param cleared: called when there are none, or none that matter.
    """

    __slots__ = ("_cleared", "_dossier", "_leftovers")

    def __init__(self, dossier: Dossier, cleared: Callable[[], None]) -> None:
        self._dossier = dossier
        self._cleared = cleared
        self._leftovers: Leftovers | None = None

    def begin(self) -> None:
        dossier = self._dossier
        policy = dossier.knobs.leftovers()
        if policy == "ignore" or not dossier.record.session:
            self._cleared()
            return
        self._leftovers = Leftovers(dossier.host.loop, dossier.record.session, self._none_left)
        if policy == "kill":
            dossier.give_time_once(dossier.knobs.timeout_leftovers())
        self._leftovers.look()

    def end(self) -> None:
        if self._leftovers is not None and self._leftovers.end():
            self._dossier.give_time(self._dossier.knobs.timeout_kill() or PATIENCE)

    def kill(self) -> None:
        if self._leftovers is not None:
            self._leftovers.kill()

    def _none_left(self) -> None:
        self._leftovers = None
        self._dossier.host.children.reap()  # a zombie still answers to its pid
        self._cleared()

    def release(self) -> None:
        """Look after them no more."""
        if self._leftovers is not None:
            self._leftovers.release()
