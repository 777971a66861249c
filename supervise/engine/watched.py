"""The paths that `watch` names, while a start waits for one of them to change."""

from collections.abc import Callable

from supervise.engine.dossier import Dossier
from supervise.engine.messages import legible
from supervise.engine.notices import PathNotice
from supervise.protocol.errors import text


class Watched:
    __slots__ = ("_changed", "_dossier", "_notices")

    def __init__(self, dossier: Dossier, changed: Callable[[], None]) -> None:
        self._dossier = dossier
        self._changed = changed
        self._notices: list[PathNotice] | None = None

    def begin(self) -> None:
        """Before the check reads them, so that no change goes unseen."""
        self.end()
        dossier = self._dossier
        if not dossier.knobs.has(b"watch"):
            return
        self._notices = []
        bad = []
        for path in dossier.knobs.watch():
            try:
                self._notices.append(PathNotice(dossier.host.notices, path, self._changed))
            except OSError as error:
                bad.append(f"unable to watch {legible(path)}: {text(error)}")
        if bad:
            more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
            dossier.complain("watching", bad[0] + more)
        else:
            dossier.mended("watching")

    def begin_once(self) -> bool:
        """As `begin`, where it has not begun yet; whether anything is watched only now."""
        if self._notices is not None:
            return False
        self.begin()
        return self._notices is not None

    def end(self) -> None:
        if self._notices is not None:
            for notice in self._notices:
                notice.close()
            self._notices = None
