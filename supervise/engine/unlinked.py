"""Services that no name leads to, but which an earlier svscan left under way."""

from collections.abc import Callable
from functools import partial

from supervise.engine.candidates import Candidates
from supervise.engine.caution import Caution
from supervise.engine.checked import BusyError, Identity, UnusableError
from supervise.engine.entry import Entry
from supervise.engine.host import Host
from supervise.engine.messages import legible
from supervise.engine.own_list import OwnList
from supervise.engine.place import Place
from supervise.protocol.errors import text


class Unlinked:
    """Of our own list. It forgets those that have ended, or are not there any more; what cannot be
    looked at just now is tried again.

    :param entries: what is supervised, and where it is entered.
    :param gone: as for `Entry`.
    """

    def __init__(
        self,
        host: Host,
        own: OwnList,
        candidates: Candidates,
        caution: Caution,
        entries: dict[Identity, Entry],
        gone: Callable[[Entry], None],
    ) -> None:
        self._host = host
        self._own = own
        self._candidates = candidates
        self._caution = caution
        self._entries = entries
        self._gone = gone

    def look(self) -> None:
        """At each that is not supervised yet."""
        for identity, path in list(self._own):
            if identity not in self._entries:
                self._look(identity, path)

    def refuse(self, path: bytes, why: str) -> None:
        """For now: it is not to be looked at."""
        for identity, listed in self._own:
            if listed == path and identity not in self._entries:
                self._candidates.retry(path, why, partial(self._look, identity, path))

    def _look(self, identity: Identity, path: bytes) -> None:
        self._caution.look(path, lambda: self._take_up(identity, path))

    def _take_up(self, identity: Identity, path: bytes) -> None:
        entry = self._entries.get(identity)
        entry = entry or Entry(self._host, Place(path, path, *identity), self._gone)
        again = partial(self._look, identity, path)
        try:
            if entry.under_way():
                entry.take_up()
        except BusyError as error:
            self._candidates.wait(path, error, again)
        except (FileNotFoundError, NotADirectoryError):
            self._candidates.drop(path)
        except (OSError, UnusableError) as error:
            why = text(error) if isinstance(error, OSError) else error
            self._candidates.retry(path, f"unable to supervise {legible(path)}: {why}", again)
        else:
            self._candidates.drop(path)
        if not entry.empty:
            self._entries[identity] = entry
            return
        entry.close()
        if path not in self._candidates:
            self._own.remove(identity)
