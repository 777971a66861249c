"""Instances of services that no record tells of, because somebody removed it."""

from supervise.engine import processes
from supervise.engine.checked import Identity
from supervise.engine.spawn import MARK


class Strays:
    """They are looked for once, for the first service that has no record, and only while we begin:
    to walk through all processes takes as long as several starts."""

    def __init__(self) -> None:
        self._found: dict[Identity, int] | None = None
        self._begun = False

    def pid_in(self, directory: Identity) -> int | None:
        """Who was started in this service directory, and runs."""
        if self._begun:
            return None
        if self._found is None:
            self._found = processes.all_marked(MARK)
        return self._found.get(directory)

    def begin(self) -> None:
        """All that was there is taken up."""
        self._begun = True
        self._found = None
