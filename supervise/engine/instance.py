"""The instance: the process that `run` becomes."""

import os
import signal
from collections.abc import Callable
from typing import NamedTuple

from supervise.core import events
from supervise.engine import begun, explain, processes
from supervise.engine.checked import UnusableError
from supervise.engine.dossier import Dossier
from supervise.engine.heritage import Found
from supervise.engine.host import stamp
from supervise.engine.posix_spawn import FileAction
from supervise.engine.process import Adopted, Child, Process
from supervise.engine.readiness import Readiness
from supervise.engine.spawn import Outcome, Program, opened
from supervise.protocol.errors import text
from supervise.protocol.handover import HandedService
from supervise.protocol.record import UNKNOWN

Tell = Callable[[str], None]
"""How the parts of a service tell it that something has happened."""

Spawn = Callable[[Program, Callable[[Outcome], None]], None]
"""How they start a program: the outcome is told at once or later, and until then nothing else."""


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


SPARE = 3
"""A number that the new process has no use for yet."""


def _reading_only(fifo: int) -> list[FileAction]:
    """Where nobody writes any more, to open it for reading would wait, and we with it: so the new
    process has a writing end itself until it has the reading one."""
    return [
        opened(fifo, 0, os.O_RDWR),
        opened(fifo, SPARE, os.O_RDONLY),
        (os.POSIX_SPAWN_DUP2, SPARE, 0),
        (os.POSIX_SPAWN_CLOSE, SPARE),
    ]


class Instance:
    __slots__ = ("_dossier", "_pipes", "_process", "_readiness", "_spawn", "_tell")

    def __init__(self, dossier: Dossier, pipes: Pipes, tell: Tell, spawn: Spawn) -> None:
        self._dossier = dossier
        self._pipes = pipes
        self._tell = tell
        self._spawn = spawn
        self._process: Process | None = None
        self._readiness: Readiness | None = None

    def start(self) -> None:
        """First the intent, with a nonce that is also in the environment, then the process.

        The record of the instance before this one may tell of it already: then nothing is written
        between that one's death and this start.
        """
        record = self._dossier.record
        record.reason = ""
        if self._dossier.foretold:
            record.nonce = record.next_nonce
        else:
            record.nonce, record.pid, record.intent = os.urandom(8), 0, True
        begun_file: list[FileAction] = []
        try:
            if record.intent:
                begun_file = self._begun_file()
                self._dossier.keep_intent()
            files = self._pipes.files() + self._readiness_file() + begun_file
        except (UnusableError, OSError) as error:
            self._spawned(error)
            return
        self._spawn(self._dossier.program((b"./run",), record.nonce, files), self._spawned)

    def _begun_file(self) -> list[FileAction]:
        """Where it matters to a successor that this instance was there, which may have ended before
        it looks: its `finish` is to run, and what is wanted once is not to run twice."""
        dossier = self._dossier
        if dossier.situation.want != "once" and not dossier.knobs.has(b"finish"):
            return []
        spare = SPARE + 1 if dossier.knobs.notification_fd() == SPARE else SPARE
        return begun.file_actions(dossier.supervise, spare)

    def _spawned(self, outcome: Outcome) -> None:
        record = self._dossier.record
        record.intent = False
        if isinstance(outcome, Exception):
            self._not_started(outcome)
            return
        self._dossier.record_death()
        pid, start = outcome
        record.pid, record.ticks, record.session = pid, start, pid
        record.next_nonce = os.urandom(8)
        record.starts += 1
        self._dossier.mended("run")
        record.since = stamp()
        self._attend(pid, start)
        self._dossier.knobs.check()

    def _attend(self, pid: int, start: int) -> None:
        keep_zombie = self._dossier.knobs.leftovers() != "ignore"
        children = self._dossier.host.children
        self._process = Child(children, pid, start, self._died, keep_zombie)

    def _not_started(self, error: Exception) -> None:
        dossier = self._dossier
        why = explain.failure(dossier.place.path, b"run", error)
        dossier.failed("run", f"unable to start {dossier.name}/run: {why}")
        self._tell(events.NOT_STARTED)

    def adopt(self, found: Found, handed: HandedService) -> None:
        """Go on with one that another supervisor started, or our older self."""
        dossier = self._dossier
        if found.pidfd < 0:
            self._attend(found.pid, found.start)
        else:
            self._process = Adopted(dossier.host.loop, *found, self._died)
        dossier.knobs.check()
        if handed.ready_fd >= 0:
            self._listen(handed.ready_fd)
        elif dossier.situation.readiness != "not yet":
            return
        elif dossier.supervise.has_reader(b"ready"):
            self._listen(dossier.supervise.open_pipe(b"ready"))
        else:
            dossier.situation.readiness = "unknown"

    def lost(self) -> None:
        """It ended unseen. A logger whose service was down has read to the end of its input, which
        came when its supervisor died: that is no failure, and the next one begins at once."""
        self._dossier.situation.asked |= self._pipes.stdin >= 0
        self._dossier.note_death(UNKNOWN)

    def keep_leader(self) -> None:
        """Of leftovers: it died under our older self, and its end is known."""
        session = self._dossier.record.session
        if session and processes.is_child(session):
            self._process = Child(self._dossier.host.children, session, 0, _known, keep=True)

    @property
    def descriptors(self) -> dict[str, int]:
        """What is open of it, as it is handed over."""
        found = {}
        if self._readiness is not None:
            found["ready_fd"] = self._readiness.fd
        if self._process is not None:
            found["pid_fd"] = self._process.pidfd
        return found

    def _died(self, exit_status: int) -> None:
        self._dossier.mended("signal")
        self._dossier.note_death(exit_status)
        self._tell(events.DIED)

    # Readiness

    def _readiness_file(self) -> list[FileAction]:
        self._stop_listening()
        target = self._dossier.knobs.notification_fd()
        if target is None:
            return []
        limit = self._dossier.host.spawner.limit
        if target >= limit:
            raise UnusableError(
                f"notification-fd is {target}, and the limit of open files {limit}:"
                " take a lower number, or raise the limit (ulimit -n)"
            )
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
        """Recorded first: that it was asked to die, for one. But CONT comes first: if we die in
        between, better one that is shown as paused and runs than one that is stopped unseen."""
        if number != signal.SIGCONT:
            self._dossier.keep()
        self._send(number)

    def _send(self, number: int) -> None:
        if self._process is not None:
            deliver(self._dossier, self._process, number)

    def stop(self) -> None:
        knobs = self._dossier.knobs
        self._dossier.give_time_once(knobs.timeout_kill())
        self.send(knobs.down_signal())
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        self.send(signal.SIGKILL)

    def release(self) -> None:
        """Reap it if it is a zombie kept for its session's sake; else look after it no more."""
        self._stop_listening()
        if self._process is not None:
            self._process.release()
            self._process = None


def deliver(dossier: Dossier, process: Process, number: int) -> None:
    """One that changed its user, as sudo does, may be beyond our reach. That is said, and nothing
    else is made of it, as in 0.76, which does not look at what kill() returns."""
    try:
        process.send(number)
    except PermissionError as error:
        dossier.complain("signal", f"unable to signal pid {process.pid}: {text(error)}")


def _known(_: int) -> None:
    """The end of one that was written down already."""
