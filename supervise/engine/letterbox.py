"""The letters that come through `supervise/control`."""

import os
from collections.abc import Callable

from supervise.engine.dossier import Dossier
from supervise.protocol import letters

_AT_ONCE = 4096
"""Bytes. Room for all that a FIFO holds would have to be found for every single letter."""


class Letterbox:
    """:param order: told of the letters, in the order in which they came."""

    __slots__ = ("_dossier", "_noise_told", "_order")

    def __init__(self, dossier: Dossier, order: Callable[[str], None]) -> None:
        self._dossier = dossier
        self._order = order
        self._noise_told = False
        dossier.host.loop.add(dossier.supervise.control, self._read)

    def _read(self, _: int) -> None:
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

    def close(self) -> None:
        self._dossier.host.loop.remove(self._dossier.supervise.control)
