"""The letters that come through `supervise/control`."""

import os
import select
from collections.abc import Callable

from supervise.engine.dossier import Dossier
from supervise.engine.turns import Turns
from supervise.protocol import letters

_AT_ONCE = 4096
"""Bytes. Room for all that a FIFO holds would have to be found for every single letter."""


class Letterbox:
    """Before more is read, what was read has been served: clients go by that. So nothing is read
    while a start is under way, for which it would have to wait.

    :param order: told of the letters, in the order in which they came.
    """

    __slots__ = ("_dossier", "_noise_told", "_order", "_turns")

    def __init__(self, dossier: Dossier, turns: Turns, order: Callable[[str], None]) -> None:
        self._dossier = dossier
        self._turns = turns
        self._order = order
        self._noise_told = False
        dossier.host.loop.add(dossier.supervise.control, self._read)

    def _read(self, _: int) -> None:
        if self._turns.spawning:
            self._listen(0)
            self._turns.when_known(lambda: self._listen(select.EPOLLIN))
            return
        try:
            data = os.read(self._dossier.supervise.control, _AT_ONCE)
        except BlockingIOError:
            return
        written = data.translate(None, b" \t\r\n")
        asked = "".join(letter for letter in written.decode("latin-1") if letter in letters.ALL)
        if len(asked) < len(written) and not self._noise_told:
            self._noise_told = True
            self._dossier.warn(
                f"{len(written) - len(asked)} unknown letters in supervise/control were ignored"
            )
        if asked:
            self._order(asked)

    def _listen(self, events: int) -> None:
        self._dossier.host.loop.change(self._dossier.supervise.control, events)

    def close(self) -> None:
        self._dossier.host.loop.remove(self._dossier.supervise.control)
