"""The helpers of a service, one at a time: `start-check` before an instance, `finish` after it."""

import errno
import os
import signal
from collections.abc import Callable

from supervise.core import events
from supervise.core.situation import CHECKING, NEVER
from supervise.engine import begun, explain
from supervise.engine.checked import NoRoomError, lacks_room
from supervise.engine.dossier import Dossier
from supervise.engine.first_line import FirstLine
from supervise.engine.heritage import Found
from supervise.engine.host import now
from supervise.engine.instance import SPARE, Pipes, Spawn, Tell, deliver
from supervise.engine.loop import Alarm
from supervise.engine.posix_spawn import FileAction
from supervise.engine.process import Adopted, Child, Process
from supervise.engine.spawn import Outcome, opened
from supervise.protocol.handover import HandedService
from supervise.protocol.record import UNKNOWN

_NO_NONCE = bytes(8)

_LATER = 1.0
"""Seconds until a `finish` is tried again that could not be started just then."""


def _passes(error: Exception) -> bool:
    """Whether it was for want of memory, of descriptors or of processes."""
    return lacks_room(error) or (isinstance(error, OSError) and error.errno == errno.EAGAIN)


class Helper:
    __slots__ = (
        "_dossier",
        "_later",
        "_output",
        "_pipes",
        "_process",
        "_spawn",
        "_tell",
        "_tell_finished",
        "_timeout",
    )

    def __init__(
        self,
        dossier: Dossier,
        pipes: Pipes,
        tell: Tell,
        tell_finished: Callable[[int], None],
        spawn: Spawn,
    ) -> None:
        self._dossier = dossier
        self._pipes = pipes
        self._tell = tell
        self._tell_finished = tell_finished
        self._spawn = spawn
        self._process: Process | None = None
        self._output: FirstLine | None = None
        self._timeout: float | None = None
        self._later: Alarm | None = None

    def check(self) -> None:
        """Run `start-check`, for at most `timeout-start-check`. Its first line is shown as the
        reason when it refuses."""
        self._timeout = self._dossier.knobs.timeout_start_check()
        self._dossier.give_time(self._timeout)
        try:
            writing = self._listen()
        except OSError as error:
            self._check_not_started(error)
            return

        def started(error: Exception | None) -> None:
            os.close(writing)
            if error is not None:
                self._check_not_started(error)

        files = [opened(writing, 1, os.O_WRONLY)]
        self._run((b"./start-check",), files, started, self._checked)

    def _listen(self) -> int:
        """Listen to what is printed; the descriptor to which it is to be."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reading, False)
        try:
            self._output = FirstLine(self._dossier.host.loop, reading)
        except OSError:
            os.close(writing)
            raise
        return writing

    def _check_not_started(self, error: Exception) -> None:
        if self._output is not None:
            self._output.close()
        self._output = None
        self._not_run("start-check", error)
        self._tell(events.REFUSED)

    def _checked(self, exit_status: int) -> None:
        self._end()
        line = self._output.close() if self._output else ""
        self._output = None
        if exit_status == 0:
            self._dossier.mended("start-check")
            self._tell(events.PASSED)
        elif (
            self._timeout
            and exit_status == -signal.SIGKILL
            and self._dossier.situation.deadline == NEVER
        ):
            line = f"not done in {self._timeout:g} seconds, killed"
            self._refuse(f"{self._dossier.name}/start-check: {line}")
        else:
            self._refuse(line or f"{self._dossier.name}/start-check: {explain.ending(exit_status)}")

    def _refuse(self, reason: str) -> None:
        self._dossier.record.reason = reason
        self._dossier.complain("start-check", f"not started: {reason}")
        self._tell(events.REFUSED)

    def finish(self) -> None:
        """Run `finish`, for at most `timeout-finish`, where there is one."""
        if not self._dossier.knobs.has(b"finish"):
            self._dossier.mended("finish")
            self._tell_finished(0)
            return
        self._dossier.give_time(self._dossier.knobs.timeout_finish())
        self._begin_finish()

    def _begin_finish(self) -> None:
        try:
            files = self._pipes.files() + begun.file_actions(self._dossier.supervise, SPARE)
        except (OSError, NoRoomError) as error:
            self._finish_started(error)
            return
        self._run(self._finish_command(), files, self._finish_started, self._finished)

    def _finish_started(self, error: Exception | None) -> None:
        self._later = None
        if error is None:
            self._dossier.mended("finish")
            return
        self._not_run("finish", error)
        if _passes(error):
            self._finish_later()
        else:
            self._tell_finished(0)

    def _finish_later(self) -> None:
        """What it clears up must be cleared up, so it is not left out at once; as runit."""
        self._dossier.record.helper_nonce = os.urandom(8)  # to a successor: it is still to begin
        self._later = self._dossier.host.loop.alarm(self._begin_finish)
        self._dossier.host.loop.set(self._later, now() + _LATER)

    def _finish_command(self) -> tuple[bytes, ...]:
        """As servicedir(7) of s6: exit code or 256, signal or 0, name, session."""
        self._dossier.record_death()
        record = self._dossier.record
        exit_status = record.deaths[0].status if record.deaths else UNKNOWN
        code = exit_status if exit_status >= 0 else 256
        number = -exit_status if UNKNOWN < exit_status < 0 else 0
        name = self._dossier.place.name
        return b"./finish", b"%d" % code, b"%d" % number, name, b"%d" % record.session

    def _finished(self, exit_status: int) -> None:
        self._end()
        if exit_status == events.PERMANENT_FAILURE:
            reason = f"{self._dossier.name}/finish said not to start again (exit {exit_status})"
            self._dossier.record.reason = reason
        self._tell_finished(exit_status)

    def adopt(self, found: Found, handed: HandedService) -> None:
        """Go on with one that another supervisor started, or our older self. What a check said to
        another went to that one."""
        host = self._dossier.host
        ended: Callable[[int], None] = self._finished
        if self._dossier.situation.state == CHECKING:
            ended = self._check_lost
            if handed.check_fd >= 0:
                ended = self._checked
                self._timeout = self._dossier.knobs.timeout_start_check()
                self._output = FirstLine(host.loop, handed.check_fd, handed.said)
        if found.pidfd < 0:
            self._process = Child(host.children, found.pid, found.start, ended)
        else:
            self._process = Adopted(host.loop, *found, ended)

    @property
    def descriptors(self) -> dict[str, int]:
        """What is open of it, as it is handed over."""
        found = {}
        if self._process is not None:
            found["pid_fd"] = self._process.pidfd
        if self._output is not None:
            found["check_fd"] = self._output.fd
        return found

    @property
    def said(self) -> bytes:
        """What the running check has printed until now."""
        return self._output.data if self._output is not None else b""

    def _check_lost(self, _: int) -> None:
        self._end()
        self._tell(events.LOST)

    def kill(self) -> None:
        if self._process is not None:
            deliver(self._dossier, self._process, signal.SIGKILL)
        elif self._later is not None:
            self._forget_later()
            self._dossier.record.helper_nonce = _NO_NONCE
            self._tell_finished(0)

    def _forget_later(self) -> None:
        if self._later is not None:
            self._dossier.host.loop.set(self._later, NEVER)
            self._later = None

    def release(self) -> None:
        self._forget_later()
        if self._process is not None:
            self._process.release()
            self._process = None
        if self._output is not None:
            self._output.close()
            self._output = None

    def _run(
        self,
        command: tuple[bytes, ...],
        files: list[FileAction],
        started: Callable[[Exception | None], None],
        ended: Callable[[int], None],
    ) -> None:
        """First the intent, then the process. `started` is told why it could not be, or None."""
        record = self._dossier.record
        record.helper_nonce, record.helper_pid = os.urandom(8), 0

        def spawned(outcome: Outcome) -> None:
            if isinstance(outcome, Exception):
                record.helper_nonce = _NO_NONCE
                started(outcome)
                return
            record.helper_pid, record.helper_ticks = outcome
            self._process = Child(self._dossier.host.children, *outcome, ended)
            started(None)

        try:
            self._dossier.keep_intent()
        except NoRoomError as error:  # the next supervisor would run it once more
            spawned(error)
            return
        self._spawn(self._dossier.program(command, record.helper_nonce, files), spawned)

    def _end(self) -> None:
        self._process = None
        self._dossier.mended("signal")
        record = self._dossier.record
        record.helper_pid = record.helper_ticks = 0
        record.helper_nonce = _NO_NONCE

    def _not_run(self, program: str, error: Exception) -> None:
        why = explain.failure(self._dossier.place.path, program.encode(), error)
        self._dossier.failed(program, f"unable to start {self._dossier.name}/{program}: {why}")
