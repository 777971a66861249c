"""What is wrong with one service just now."""

_NO_WARNINGS = frozenset(("state", "status", "run", "start-check"))
"""What is not among the warnings: what cannot be written cannot be told there, and why a service
is not started is its reason."""


class Complaints:
    """By subject: what is read or tried at each start would fill the log if it were always told."""

    __slots__ = ("_all",)

    def __init__(self) -> None:
        self._all: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._all)

    def __contains__(self, subject: str) -> bool:
        return subject in self._all

    def news(self, subject: str, what: str) -> bool:
        """Whether this is to be told: it was mended meanwhile, or is another complaint."""
        known = self._all.get(subject)
        self._all[subject] = what
        return known != what

    def mended(self, subject: str) -> None:
        if self._all:
            self._all.pop(subject, None)

    def clear(self) -> None:
        """What is wrong still is news again."""
        self._all.clear()

    def warnings(self) -> str:
        """A line each, as they are shown."""
        return "\n".join(what for one, what in self._all.items() if one not in _NO_WARNINGS)
