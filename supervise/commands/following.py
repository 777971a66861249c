"""What tells `director observe` that a director has changed: descriptors of what runs now."""

import contextlib
import os

import click

from supervise.director import facts, notify_fifo
from supervise.director.facts import Facts, Process
from supervise.director.network import AddressChanges, namespace
from supervise.director.notify_fifo import NotifyFifo
from supervise.director.service_directory import supervisor

_TRIES = 70
"""Looks, one a second, for what is not there yet: keepalived waits for a minute at most before it
starts a child again."""
_YOUNG = 5.0
"""Seconds after its start within which keepalived has all its children."""


class Addresses:
    """Told of where keepalived has its network, which may be another one after its next start."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._changes: AddressChanges | None = None

    def descriptors(self) -> list[int]:
        return [self._changes.fileno()] if self._changes else []

    def drain(self) -> None:
        if self._changes:
            self._changes.drain()

    def follow(self, seen: Facts) -> None:
        with contextlib.suppress(OSError):  # it ended just now: something else tells that
            pid = seen.service["pid"] or supervisor(self._directory)
            if self._changes and self._changes.namespace == namespace(pid):
                return
            new = AddressChanges(pid)
            if self._changes:
                self._changes.close()
            self._changes = new


class Children:
    """The children of keepalived, each with a descriptor that tells of its end."""

    def __init__(self) -> None:
        self._parent = 0
        self._known: dict[int, tuple[str, int]] = {}
        self._most = 0

    def descriptors(self) -> list[int]:
        return [pidfd for _, pidfd in self._known.values()]

    def follow(self, seen: Facts) -> list[str]:
        """The roles of those that ended while their parent lives on: it starts them again."""
        if seen.service["pid"] != self._parent:
            self._forget(list(self._known))
            self._parent, self._most = seen.service["pid"], 0
        now = {one.pid: one for one in seen.processes if one.role != facts.PARENT}
        ended = [pid for pid in self._known if pid not in now]
        lost = [self._known[pid][0] for pid in ended]
        self._forget(ended)
        for one in now.values():
            self._meet(one)
        self._most = max(self._most, len(now))
        return lost if seen.processes and not seen.service["ending"] else []

    def complete(self, seen: Facts) -> bool:
        """Whether none is still to come."""
        ages = [one.age for one in seen.processes if one.role == facts.PARENT]
        return not ages or (ages[0] > _YOUNG and 0 < self._most == len(self._known))

    def _meet(self, one: Process) -> None:
        with contextlib.suppress(OSError):
            known = self._known.get(one.pid)
            pidfd = known[1] if known else os.pidfd_open(one.pid)
            self._known[one.pid] = (one.role, pidfd)

    def _forget(self, pids: list[int]) -> None:
        for pid in pids:
            os.close(self._known.pop(pid)[1])


class OwnWords:
    """What keepalived says itself, where its configuration names a FIFO that is ours to read."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._fifo: NotifyFifo | None = None
        self._complaint = ""

    def descriptors(self) -> list[int]:
        return [self._fifo.fileno()] if self._fifo else []

    def hear(self) -> dict[str, str]:
        """The last that was said of each VRRP instance."""
        lines = self._fifo.read() if self._fifo else []
        if lines is None:
            self._close()
        return notify_fifo.states(lines or [])

    def follow(self, seen: Facts) -> bool:
        """Whether it is open, or there is nothing to be opened."""
        name = seen.configuration.fifo if seen.configuration else ""
        pid = seen.service["pid"]
        if not name or not seen.processes:
            self._close()
            return True
        path = f"/proc/{pid}/root{os.path.join(os.path.realpath(self._directory), name)}"
        if self._fifo and self._fifo.path == path:
            return True
        self._close()
        try:
            self._fifo = self._opened(NotifyFifo(path), f"/proc/{pid}/exe")
        except OSError as error:
            self._complain(f"{name}: unable to read: {error.strerror}")
        return self._fifo is not None

    def _opened(self, fifo: NotifyFifo, program: str) -> NotifyFifo | None:
        other = fifo.other_reader(os.readlink(program))
        if not other:
            return fifo
        fifo.close()
        self._complain(f"{fifo.path.partition('/root')[2]}: left alone: pid {other} reads it")
        return None

    def _complain(self, what: str) -> None:
        if what != self._complaint:
            click.echo(f"director: warning: {what}", err=True)
        self._complaint = what

    def _close(self) -> None:
        if self._fifo:
            self._fifo.close()
        self._fifo = None


class Sources:
    """All of these, for one director."""

    def __init__(self, directory: str) -> None:
        self.addresses = Addresses(directory)
        self.children = Children()
        self.own_words = OwnWords(directory)
        self._tries = 0
        self._parent = 0

    def descriptors(self) -> list[int]:
        each = (self.addresses, self.children, self.own_words)
        return [fd for one in each for fd in one.descriptors()]

    def settled(self, seen: Facts, complete: bool) -> bool:
        """Whether nobody has to look before something is told; else once a second, for a while."""
        again = complete or seen.service["pid"] != self._parent
        self._parent = seen.service["pid"]
        self._tries = 0 if again else self._tries + 1
        return complete or self._tries > _TRIES
