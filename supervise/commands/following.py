"""What tells `director observe` that a director has changed: descriptors of what runs now."""

import contextlib
import os
import time

import click

from supervise.director import facts, notify_fifo
from supervise.director.facts import Facts, Process
from supervise.director.network import AddressChanges, namespace
from supervise.director.notify_fifo import NotifyFifo
from supervise.director.service_directory import supervisor

_TRIES = 70
"""Looks, one a second, for what is not there yet: keepalived waits for a minute at most before it
starts a child again."""
_FIRST = 0.2
"""Seconds that others have, to open a FIFO that keepalived has just opened to write."""
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
        self._directory = os.path.realpath(directory)
        self._fifo: NotifyFifo | None = None
        self._program = ""
        self._read_before = False
        self._left_alone = ""

    def descriptors(self) -> list[int]:
        return [self._fifo.fileno()] if self._fifo else []

    def hear(self) -> dict[str, str]:
        """The last that was said of each VRRP instance."""
        if self._fifo is None or not self._fifo.tells() or self._is_of_another(self._fifo):
            return {}
        lines = self._fifo.read()
        if lines is None:
            self._close()
        return notify_fifo.states(lines or [])

    def _is_of_another(self, fifo: NotifyFifo) -> bool:
        """Asked before each reading. Who waited for a writer has it open only now."""
        if not self._read_before:
            time.sleep(_FIRST)
        self._read_before = True
        other = fifo.other_reader(self._program)
        if other:
            shown = fifo.path.partition("/root")[2]
            self._leave(fifo.path, f"{shown}: left alone: pid {other} reads it")
        return other != 0

    def follow(self, seen: Facts) -> bool:
        """Whether it is open, or there is nothing to be opened."""
        name = seen.configuration.fifo if seen.configuration else ""
        pid = seen.service["pid"]
        path = f"/proc/{pid}/root{os.path.join(self._directory, name)}"
        if not name or not seen.processes or path == self._left_alone:
            self._close()
            return True
        if self._fifo is None or self._fifo.path != path:
            self._open(path, pid)
        return self._fifo is not None

    def _open(self, path: str, pid: int) -> None:
        self._close()
        self._read_before = False
        try:
            self._program = os.readlink(f"/proc/{pid}/exe")
            self._fifo = NotifyFifo(path)
        except FileNotFoundError:  # it has still to be made
            pass
        except OSError as error:
            shown = path.partition("/root")[2]
            self._leave(path, f"{shown}: unable to read: {error.strerror}")

    def _leave(self, path: str, why: str) -> None:
        """It is not looked at again before keepalived is started again."""
        click.echo(f"director: warning: {why}", err=True)
        self._left_alone = path
        self._close()

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
