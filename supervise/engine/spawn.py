"""Starting a process: in its own session, in its directory, with nothing of ours."""

import os
import resource
import signal
import time
from collections.abc import Sequence

from supervise.engine import checked
from supervise.engine.processes import start_of

NONCE = b"SUPERVISE_NONCE"
"""The variable by which a next supervisor recognises a process that was not yet recorded."""

FileAction = tuple[int, int, bytes, int, int] | tuple[int, int, int] | tuple[int, int]

_PYTHON_IGNORES = {signal.SIGPIPE, signal.SIGXFSZ}
_TICKS = os.sysconf("SC_CLK_TCK")


_OURS = frozenset((b"NOTIFY_SOCKET", b"WATCHDOG_USEC", b"WATCHDOG_PID"))
"""What the manager above us means for us alone."""


class WrongDirectoryError(Exception):
    """What is at the path now is another directory than the service's."""


class Spawner:
    """What all services are started with: our environment, and the descriptor limit that we were
    started with before we raised it for ourselves.

    :param limit: the soft limit that we were started with, where it is known better; 0: it is not.
    """

    def __init__(self, limit: int = 0) -> None:
        self._home = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._environment = {
            name: value for name, value in os.environb.items() if name not in _OURS
        }
        self._ignored = sorted(
            _PYTHON_IGNORES
            | {one for one in signal.valid_signals() if signal.getsignal(one) == signal.SIG_IGN}
        )
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._inherited = (limit or soft, hard)
        self._raised = (hard, hard)
        self._limit(self._raised)

    @property
    def limit(self) -> int:
        """The soft limit of descriptors that services have."""
        return self._inherited[0]

    def spawn(
        self,
        directory: bytes,
        identity: checked.Identity,
        command: list[bytes],
        nonce: bytes,
        files: Sequence[FileAction] = (),
    ) -> tuple[int, int]:
        """Start `command` in `directory`, which must be the one with this device and inode.

        :returns: its pid, and its start in clock ticks since boot.
        :raises WrongDirectoryError: where it is not.
        :raises OSError: where it cannot be started; what is wrong with the program counts too.
        """
        environment = self._environment | {NONCE: nonce.hex().encode()}
        fd = self._enter(directory, identity)
        try:
            self._limit(self._inherited)
            before = _now_in_ticks()
            pid = os.posix_spawn(
                command[0],
                command,
                environment,
                file_actions=files,
                setsid=True,
                setsigmask=(),
                setsigdef=self._ignored,
            )
            after = _now_in_ticks()
        finally:
            self._limit(self._raised)
            os.fchdir(self._home)
            os.close(fd)
        return pid, before if before == after else start_of(pid)

    def spawn_like_us(self, command: list[bytes], files: Sequence[FileAction]) -> int:
        """A program of ours, with all of our environment; its pid.

        :raises OSError: where it cannot be started.
        """
        try:
            self._limit(self._inherited)
            return os.posix_spawn(
                command[0],
                command,
                os.environb,
                file_actions=files,
                setsid=True,
                setsigmask=(),
                setsigdef=self._ignored,
            )
        finally:
            self._limit(self._raised)

    def _enter(self, directory: bytes, identity: checked.Identity) -> int:
        fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if checked.identity(os.fstat(fd)) != identity:
                raise WrongDirectoryError
            os.fchdir(fd)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _limit(self, limit: tuple[int, int]) -> None:
        if self._raised != self._inherited:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def _now_in_ticks() -> int:
    """What /proc/PID/stat says of a process that starts now. To read it there costs a quarter of
    a millisecond right after the start, while the other processor is busy with the exec."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * _TICKS // 1_000_000_000


def mark(nonce: bytes) -> bytes:
    """The nonce as it stands in the environment."""
    return NONCE + b"=" + nonce.hex().encode()


def opened(fd: int, target: int, flags: int) -> FileAction:
    """A file action: `target` of the new process opens the FIFO that is behind our `fd` anew.

    Ours by our own pid: where `target` is the same number, the new process has closed it by then.
    """
    return (os.POSIX_SPAWN_OPEN, target, b"/proc/%d/fd/%d" % (os.getpid(), fd), flags, 0)
