"""All names in the scan directory that are no services yet, and what is told of them."""

import errno
from collections.abc import Callable, Iterable

from supervise.engine.candidate import Again, Candidate, Dangling, Filling, Refused
from supervise.engine.checked import BusyError
from supervise.engine.host import Host
from supervise.engine.messages import legible
from supervise.engine.own_list import OwnList
from supervise.engine.patience import LockWait
from supervise.protocol.errors import text

Look = Callable[[bytes], None]


class Candidates:
    """By name; a service without a link goes by its path here.

    :param look: told of a name that is to be looked at again.
    :param fill: told of one that leads to something now, which may still be filled.
    """

    def __init__(self, host: Host, home: bytes, own: OwnList, look: Look, fill: Look) -> None:
        self._host = host
        self._home = home
        self._own = own
        self._look = look
        self._fill = fill
        self._all: dict[bytes, Candidate] = {}

    def __contains__(self, name: bytes) -> bool:
        return name in self._all

    def is_filling(self, name: bytes) -> bool:
        return isinstance(self._all.get(name), Filling)

    def fill(self, name: bytes, complete: Again) -> None:
        """:raises OSError: where it cannot be watched."""
        filling = Filling(self._host, self._path(name), complete)
        self.drop(name)
        self._all[name] = filling

    def unseen(self, name: bytes, error: OSError) -> None:
        """What its link leads to cannot be looked at, because it is not there for instance."""
        reason = f"unable to stat {legible(name)}: {text(error)}"
        if error.errno != errno.ENOENT:
            self.refuse(name, reason)
        elif not isinstance(self._all.get(name), Dangling):
            self._tell(name, reason)
            try:
                path = self._path(name)
                self._all[name] = Dangling(self._host, path, lambda: self._fill(name))
            except OSError:
                self._all[name] = Refused(self._host, reason, lambda: self._look(name))

    def refuse(self, name: bytes, reason: str) -> None:
        before = self._all.get(name)
        if isinstance(before, Refused) and before.reason == reason:
            before.once_more()
            self._own.refuse(name, reason)  # in a new scan directory it is not told yet
            return
        self._tell(name, reason)
        self._all[name] = Refused(self._host, reason, lambda: self._look(name))

    def _tell(self, name: bytes, reason: str) -> None:
        self._host.say("svscan", f"warning: {reason}")
        self.drop(name)
        self._own.refuse(name, reason)

    def wait(self, name: bytes, busy: BusyError, again: Again) -> None:
        """For the lock of a service or of its logger: its holder may be dying."""
        before = self._all.get(name)
        if isinstance(before, LockWait) and before.path == busy.path and before.go_on():
            return
        self._host.say("svscan", f"warning: {busy}, waiting for it")
        self.drop(name)
        self._all[name] = LockWait(self._host, busy.path, again)

    def retry(self, path: bytes, reason: str, again: Again) -> None:
        """A service without a link is there, but cannot be supervised just now."""
        before = self._all.get(path)
        if isinstance(before, Refused) and before.reason == reason:
            before.once_more()
            return
        self._host.say("svscan", f"warning: {reason}")
        self.drop(path)
        self._all[path] = Refused(self._host, reason, again)

    def drop(self, name: bytes) -> None:
        candidate = self._all.pop(name, None)
        if candidate is not None:
            candidate.close()
            self._own.accept(name)

    def drop_others(self, names: Iterable[bytes]) -> None:
        """All but these, and what has no name."""
        for name in [name for name in self._all if name not in names]:
            if b"/" not in name:
                self.drop(name)

    def close(self) -> None:
        for name in list(self._all):
            self.drop(name)

    def _path(self, name: bytes) -> bytes:
        return self._home + b"/" + name
