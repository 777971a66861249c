"""The paths that `watch` names, while a start waits for one of them to change."""

from collections.abc import Callable

from supervise.engine.dossier import Dossier
from supervise.engine.messages import legible
from supervise.engine.notices import PathNotice
from supervise.protocol.errors import text


class Watched:
    def __init__(self, dossier: Dossier, changed: Callable[[], None]) -> None:
        self._notices: list[PathNotice] = []
        bad = []
        for path in dossier.knobs.watch():
            try:
                self._notices.append(PathNotice(dossier.host.notices, path, changed))
            except OSError as error:
                bad.append(f"unable to watch {legible(path)}: {text(error)}")
        if bad:
            more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
            dossier.complain("watching", bad[0] + more)
        else:
            dossier.mended("watching")

    def close(self) -> None:
        for notice in self._notices:
            notice.close()
