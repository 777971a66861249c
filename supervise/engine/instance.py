"""The instance: the process that `run` becomes."""

import os
import signal
from collections.abc import Callable
from typing import NamedTuple

from supervise.core import events
from supervise.engine import explain, processes
from supervise.engine.checked import UnusableError
from supervise.engine.dossier import Dossier, stamp
from supervise.engine.process import Adopted, Child, Process
from supervise.engine.readiness import Readiness
from supervise.engine.spawn import FileAction, WrongDirectoryError, opened
from supervise.engine.takeover import Found
from supervise.protocol.handover import HandedService

Tell = Callable[[str], None]
"""How the parts of a service tell it that something has happened."""


class Pipes(NamedTuple):
    """Our ends of the log FIFOs: what a logger reads, what a logged service writes; -1: none."""

    stdin: int = -1
    stdout: int = -1

    def files(self) -> list[FileAction]:
        """A service holds its log FIFO at both ends, so that it never gets SIGPIPE; a logger only
        reads it, so that it sees the end."""
        files: list[FileAction] = []
        if self.stdin >= 0:
            files += _reading_only(self.stdin)
        if self.stdout >= 0:
            files.append(opened(self.stdout, 1, os.O_RDWR))
        return files


_SPARE = 3
"""A number that the new process has no use for yet."""


def _reading_only(fifo: int) -> list[FileAction]:
    """Where nobody writes any more, to open it for reading would wait, and we with it: so the new
    process has a writing end itself until it has the reading one."""
    return [
        opened(fifo, 0, os.O_RDWR),
        opened(fifo, _SPARE, os.O_RDONLY),
        (os.POSIX_SPAWN_DUP2, _SPARE, 0),
        (os.POSIX_SPAWN_CLOSE, _SPARE),
    ]


class Instance:
    __slots__ = ("_dossier", "_pipes", "_process", "_readiness", "_tell")

    def __init__(self, dossier: Dossier, pipes: Pipes, tell: Tell) -> None:
        self._dossier = dossier
        self._pipes = pipes
        self._tell = tell
        self._process: Process | None = None
        self._readiness: Readiness | None = None

    def start(self) -> None:
        """First the intent, with a nonce that is also in the environment, then the process."""
        kept = self._dossier.record
        kept.reason = ""
        kept.nonce, kept.pid, kept.intent = os.urandom(8), 0, True
        self._dossier.keep()
        try:
            files = self._pipes.files() + self._readiness_file()
            pid, start = self._dossier.spawn([b"./run"], kept.nonce, files)
        except (OSError, WrongDirectoryError, UnusableError) as error:
            kept.intent = False
            self._not_started(error)
            return
        kept.intent = False
        kept.pid, kept.ticks, kept.session = pid, start, pid
        kept.starts += 1
        self._dossier.mended("run")
        kept.since = stamp()
        self._attend(pid, start)

    def _attend(self, pid: int, start: int) -> None:
        keep_zombie = self._dossier.knobs.leftovers() != "ignore"
        children = self._dossier.host.children
        self._process = Child(children, pid, start, self._died, keep_zombie)

    def _not_started(self, error: Exception) -> None:
        dossier = self._dossier
        if isinstance(error, WrongDirectoryError):
            why = "its directory was replaced by another one"
        elif isinstance(error, OSError):
            why = explain.start_failure(dossier.place.path, b"run", error)
        else:
            why = str(error)
        dossier.failed("run", f"unable to start {dossier.name}/run: {why}")
        self._tell(events.NOT_STARTED)

    def adopt(self, found: Found, handed: HandedService) -> None:
        """Go on with one that another supervisor started, or our older self."""
        dossier = self._dossier
        if found.pidfd < 0:
            self._attend(found.pid, found.start)
        else:
            self._process = Adopted(dossier.host.loop, *found, self._died)
        if handed.ready_fd >= 0:
            self._listen(handed.ready_fd)
        elif dossier.situation.readiness != "not yet":
            return
        elif dossier.supervise.has_writer(b"ready"):
            self._listen(dossier.supervise.open_pipe(b"ready"))
        else:
            dossier.situation.readiness = "unknown"

    def keep_leader(self) -> None:
        """Of leftovers: it died under our older self, and its end is known."""
        session = self._dossier.record.session
        if session and processes.is_child(session):
            self._process = Child(self._dossier.host.children, session, 0, _known, keep=True)

    @property
    def held(self) -> dict[str, int]:
        """What is open of it, as it is handed over."""
        found = {}
        if self._readiness is not None:
            found["ready_fd"] = self._readiness.fd
        if self._process is not None:
            found["pid_fd"] = self._process.pidfd
        return found

    def _died(self, ending: int) -> None:
        self._dossier.note_death(ending)
        self._tell(events.DIED)

    # Readiness

    def _readiness_file(self) -> list[FileAction]:
        self._stop_listening()
        target = self._dossier.knobs.notification_fd()
        if target is None:
            return []
        readiness = self._listen(self._dossier.supervise.open_pipe(b"ready"))
        readiness.drain()
        return [opened(readiness.fd, target, os.O_RDWR)]

    def _listen(self, fd: int) -> Readiness:
        self._readiness = Readiness(self._dossier.host.loop, fd, self._ready)
        return self._readiness

    def _ready(self) -> None:
        self._readiness = None
        self._dossier.record.ready_since = stamp()
        self._tell(events.READY)

    def _stop_listening(self) -> None:
        if self._readiness is not None:
            self._readiness.close()
            self._readiness = None

    # Signals

    def send(self, number: int) -> None:
        """Recorded first: that it was asked to die, for one."""
        self._dossier.keep()
        if self._process is not None:
            self._process.send(number)

    def stop(self) -> None:
        knobs = self._dossier.knobs
        self.send(knobs.down_signal())
        self.send(signal.SIGCONT)
        self._dossier.give_time_once(knobs.timeout_kill())

    def kill(self) -> None:
        self.send(signal.SIGKILL)

    def release(self) -> None:
        """Reap it if it is a zombie kept for its session's sake; else look after it no more."""
        self._stop_listening()
        if self._process is not None:
            self._process.release()
            self._process = None


def _known(_: int) -> None:
    """The end of one that was written down already."""
