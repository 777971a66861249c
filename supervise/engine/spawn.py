"""Starting a process: in its own session, in its directory, with nothing of ours."""

import contextlib
import errno
import fcntl
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from supervise.engine import checked, kernel, posix_spawn
from supervise.engine.background import Background
from supervise.engine.loop import Loop
from supervise.engine.posix_spawn import FileAction
from supervise.engine.processes import start_of

NONCE = b"SUPERVISE_NONCE"
"""The variable by which a next supervisor recognises a process that was not yet recorded."""

MARK = NONCE + b"="
"""What it begins with, whatever the nonce is."""

Outcome = tuple[int, int] | Exception
"""The pid of what was started, and its start in clock ticks since boot (0: not known).
Or why it was not started: an OSError, or WrongDirectoryError."""

T = TypeVar("T")

_MANY = 256
"""Descriptors of ours from which on another thread starts things: one that does not have to copy
them. With fewer, to hand over takes longer than to copy."""

_AT_A_TIME = 32
"""Starts for which the limit is lowered at a time, while nobody is served."""

_PYTHON_IGNORES = {signal.SIGPIPE, signal.SIGXFSZ}
_TICKS = os.sysconf("SC_CLK_TCK")

_OURS = frozenset((b"NOTIFY_SOCKET", b"WATCHDOG_USEC", b"WATCHDOG_PID"))
"""What the manager above us means for us alone."""


class WrongDirectoryError(Exception):
    """What is at the path now is another directory than the service's."""


class Program(NamedTuple):
    """What is to be started: `command` in `directory`, which must be the one with this identity."""

    directory: bytes
    identity: checked.Identity
    command: tuple[bytes, ...]
    nonce: bytes
    files: Sequence[FileAction]


class Spawner:
    """What all services are started with: our environment, and the descriptor limit that we were
    started with before we raised it for ourselves.

    :param delivered: called after outcomes were told later.
    :param limit: the soft limit that we were started with, where it is known better; 0: it is not.
    """

    def __init__(self, loop: Loop, delivered: Callable[[], None], limit: int) -> None:
        self._loop = loop
        self._background = Background(loop, delivered)
        self._queue: list[tuple[Program, Callable[[Outcome], None]]] = []
        self._manner = posix_spawn.Manner(
            signal.valid_signals(),
            [name + b"=" + value for name, value in os.environb.items() if name not in _OURS],
        )
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._inherited = (limit or soft, hard)
        self.limit = self._inherited[0]
        """How many a service may have: its numbers lie below."""
        self._raised = (hard, hard)
        self._few = _has_few()
        self._limited = self._raised != self._inherited
        if self._limited:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._raised)

    @property
    def busy(self) -> bool:
        """Whether something is being started of which we do not know the pid yet."""
        return self._background.busy

    def hold_lock(self, lock: int) -> None:
        """What is being started holds this descriptor until it executes. Before, its nonce cannot
        be seen: a next supervisor that waits for the lock looks for it when it can."""
        self._background.keep(lock)

    def release_lock(self, lock: int) -> None:
        """Nobody is to wait for this one any more, whoever else has the descriptor."""
        self._background.forget(lock)
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_UN)
            os.close(lock)

    def wait_for_outcomes(self) -> None:
        """Wait until that is over."""
        while self._queue:
            self._start_queued()
        self._background.wait_for_outcomes()

    def spawn(self, program: Program, then: Callable[[Outcome], None]) -> None:
        """:param then: told the outcome, at once or later."""
        if self._few:
            then(self._start(program))
        elif not self._limited:
            self._background.do(partial(_start, program, self._manner, _at_once), then)
        elif self._background.begin():
            self._enqueue(program, then)
        else:
            then(self._start(program))
        self._few = _has_few()  # for the next one: the start comes first

    def _enqueue(self, program: Program, then: Callable[[Outcome], None]) -> None:
        """The limit is the whole process's, so while it is lowered for others that start things we
        can do nothing: it is lowered for several starts at a time."""
        if not self._queue:
            self._loop.soon(self._start_queued)
        self._queue.append((program, then))

    def _start_queued(self) -> None:
        now, self._queue = self._queue[:_AT_A_TIME], self._queue[_AT_A_TIME:]
        if not now:
            return
        if self._queue:
            self._loop.soon(self._start_queued)
        works = [partial(_start, program, self._manner, _at_once) for program, _ in now]
        outcomes = self._with_inherited_limit(partial(self._background.gather, works))
        for (program, then), outcome in zip(now, outcomes, strict=True):
            then(self._start(program) if _lacks_descriptors(outcome) else outcome)

    def spawn_like_us(self, command: list[bytes], files: Sequence[FileAction]) -> int:
        """A program of ours, with all of our environment; its pid.

        :raises OSError: where it cannot be started.
        """

        def start() -> int:
            return os.posix_spawn(
                command[0],
                command,
                os.environb,
                file_actions=files,
                setsid=True,
                setsigmask=(),
                setsigdef=_PYTHON_IGNORES,
            )

        return self._with_inherited_limit(start)

    def _start(self, program: Program) -> Outcome:
        """In this thread."""
        return _start(program, self._manner, self._with_inherited_limit)

    def _with_inherited_limit(self, start: Callable[[], T]) -> T:
        """The limit is the whole process's, so nothing else may go on while it is lowered."""
        if not self._limited:
            return start()
        resource.setrlimit(resource.RLIMIT_NOFILE, self._inherited)
        try:
            return start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._raised)


def _start(
    program: Program,
    manner: posix_spawn.Manner,
    within: Callable[[Callable[[], tuple[int, int]]], tuple[int, int]],
) -> Outcome:
    """:param within: calls what starts it, once its directory is entered."""
    try:
        entered = _enter(program)
        try:
            pid, start = within(partial(_execute, program, entered, manner))
        finally:
            os.close(entered)
        return pid, start or _read_start(pid)
    except Exception as error:
        return error


def _has_few() -> bool:
    return kernel.next_descriptor() < _MANY


def _at_once(start: Callable[[], T]) -> T:
    return start()


def _execute(program: Program, entered: int, manner: posix_spawn.Manner) -> tuple[int, int]:
    variable = mark(program.nonce)
    before = _now_in_ticks()
    pid = posix_spawn.spawn(entered, program.command, variable, program.files, manner)
    return pid, before if before == _now_in_ticks() else 0


def _read_start(pid: int) -> int:
    """0 where it cannot be read now: then its nonce tells a next supervisor who it is."""
    try:
        return start_of(pid)
    except OSError:
        return 0


def _lacks_descriptors(outcome: Outcome) -> bool:
    """A thread that could not have a table of its own has ours, which is longer than the limit."""
    return isinstance(outcome, OSError) and outcome.errno == errno.EMFILE


def _enter(program: Program) -> int:
    fd = os.open(program.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if checked.identity(os.fstat(fd)) != program.identity:
        os.close(fd)
        raise WrongDirectoryError
    return fd


def _now_in_ticks() -> int:
    """What /proc/PID/stat says of a process that starts now. To read it there costs a quarter of
    a millisecond right after the start, while the other processor is busy with the exec."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * _TICKS // 1_000_000_000


def mark(nonce: bytes) -> bytes:
    """The nonce as it stands in the environment."""
    return MARK + nonce.hex().encode()


def ours(fd: int) -> bytes:
    """A path to what is behind our descriptor, for whoever has not got it."""
    return b"/proc/%d/fd/%d" % (os.getpid(), fd)


def opened(fd: int, target: int, flags: int) -> FileAction:
    """A file action: `target` of the new process opens anew what is behind our `fd`.

    Ours by our own pid: the new process may have closed it by then, or never have had it.
    """
    return (os.POSIX_SPAWN_OPEN, target, ours(fd), flags, 0)
