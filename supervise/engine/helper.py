"""The helpers of a service, one at a time: `start-check` before an instance, `finish` after it."""

import os
import signal
from collections.abc import Callable

from supervise.core import events
from supervise.core.situation import CHECKING
from supervise.engine import explain
from supervise.engine.dossier import Dossier
from supervise.engine.first_line import FirstLine
from supervise.engine.instance import Pipes, Tell
from supervise.engine.process import Adopted, Child, Process
from supervise.engine.spawn import FileAction, WrongDirectoryError
from supervise.engine.takeover import Found
from supervise.protocol.handover import HandedService
from supervise.protocol.record import UNKNOWN

_NO_NONCE = bytes(8)


class Helper:
    __slots__ = ("_dossier", "_output", "_pipes", "_process", "_tell", "_tell_finished")

    def __init__(
        self, dossier: Dossier, pipes: Pipes, tell: Tell, tell_finished: Callable[[int], None]
    ) -> None:
        self._dossier = dossier
        self._pipes = pipes
        self._tell = tell
        self._tell_finished = tell_finished
        self._process: Process | None = None
        self._output: FirstLine | None = None

    def check(self) -> None:
        """Run `start-check`. Its first line is shown as the reason when it refuses."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reading, False)
        self._output = FirstLine(self._dossier.host.loop, reading)
        files: list[FileAction] = [(os.POSIX_SPAWN_DUP2, writing, 1)]
        try:
            self._run([b"./start-check"], files, self._checked)
        except OSError as error:
            self._output.close()
            self._output = None
            self._not_run("start-check", error)
            self._tell(events.REFUSED)
        finally:
            os.close(writing)

    def _checked(self, ending: int) -> None:
        self._end()
        line = self._output.close() if self._output else ""
        self._output = None
        if ending == 0:
            self._dossier.mended("start-check")
            self._tell(events.PASSED)
        else:
            self._refuse(line or f"{self._dossier.name}/start-check: {explain.ending(ending)}")

    def _refuse(self, reason: str) -> None:
        self._dossier.record.reason = reason
        self._dossier.complain("start-check", f"not started: {reason}")
        self._tell(events.REFUSED)

    def finish(self) -> None:
        """Run `finish`, for at most `timeout-finish`."""
        self._dossier.give_time(self._dossier.knobs.timeout_finish())
        try:
            self._run(self._finish_command(), self._pipes.files(), self._finished)
            self._dossier.mended("finish")
        except OSError as error:
            self._not_run("finish", error)
            self._tell_finished(0)

    def _finish_command(self) -> list[bytes]:
        """As servicedir(7) of s6: exit code or 256, signal or 0, name, session."""
        kept = self._dossier.record
        ending = kept.deaths[0].status if kept.deaths else UNKNOWN
        code = ending if ending >= 0 else 256
        number = -ending if UNKNOWN < ending < 0 else 0
        name = self._dossier.place.name
        return [b"./finish", b"%d" % code, b"%d" % number, name, b"%d" % kept.session]

    def _finished(self, ending: int) -> None:
        self._end()
        self._tell_finished(ending)

    def adopt(self, found: Found, handed: HandedService) -> None:
        """Go on with one that another supervisor started, or our older self. What a check said to
        another went to that one."""
        host = self._dossier.host
        ended: Callable[[int], None] = self._finished
        if self._dossier.situation.state == CHECKING:
            ended = self._check_lost
            if handed.check_fd >= 0:
                ended = self._checked
                self._output = FirstLine(host.loop, handed.check_fd, handed.said)
        if found.pidfd < 0:
            self._process = Child(host.children, found.pid, found.start, ended)
        else:
            self._process = Adopted(host.loop, *found, ended)

    @property
    def held(self) -> dict[str, int]:
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
            self._process.send(signal.SIGKILL)

    def release(self) -> None:
        if self._process is not None:
            self._process.release()
            self._process = None
        if self._output is not None:
            self._output.close()
            self._output = None

    def _run(
        self, command: list[bytes], files: list[FileAction], ended: Callable[[int], None]
    ) -> None:
        """First the intent, then the process.

        :raises OSError: where it cannot be started.
        """
        kept = self._dossier.record
        kept.helper_nonce, kept.helper_pid = os.urandom(8), 0
        self._dossier.keep()
        try:
            pid, start = self._dossier.spawn(command, kept.helper_nonce, files)
        except WrongDirectoryError:
            kept.helper_nonce = _NO_NONCE
            raise FileNotFoundError(2, "its directory was replaced by another one") from None
        except OSError:
            kept.helper_nonce = _NO_NONCE
            raise
        kept.helper_pid, kept.helper_ticks = pid, start
        self._process = Child(self._dossier.host.children, pid, start, ended)

    def _end(self) -> None:
        self._process = None
        kept = self._dossier.record
        kept.helper_pid = kept.helper_ticks = 0
        kept.helper_nonce = _NO_NONCE

    def _not_run(self, program: str, error: OSError) -> None:
        why = explain.start_failure(self._dossier.place.path, program.encode(), error)
        self._dossier.failed(program, f"unable to start {self._dossier.name}/{program}: {why}")
