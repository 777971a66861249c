"""Trying a program file before we become it: whether it starts, and understands the hand-over."""

import os
import signal
from collections.abc import Callable

from supervise.engine import explain
from supervise.engine.host import Host
from supervise.engine.messages import legible
from supervise.protocol.handover import FIT, TRIAL

PATIENCE = 30.0
"""Seconds that it gets, on a machine that is busy."""

_HANDED = 3
_LAST_WORDS = 240


class Trial:
    """:param command: absolute path of the program file, and the arguments.
    :param data: the hand-over.
    :param ended: called once, with what is wrong, or nothing.
    :raises OSError: where it cannot be started.
    """

    def __init__(
        self, host: Host, command: list[bytes], data: bytes, ended: Callable[[str], None]
    ) -> None:
        self._program = legible(command[0])
        self._ended = ended
        self._late = False
        self._output = memory(b"")
        handed = memory(data)
        try:
            self._pid = host.spawner.spawn_like_us(
                [command[0], b"%s%d" % (TRIAL.encode(), _HANDED), *command[1:]],
                [
                    (os.POSIX_SPAWN_OPEN, 0, b"/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, self._output, 1),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                    (os.POSIX_SPAWN_DUP2, handed, _HANDED),
                ],
            )
        except BaseException:
            os.close(self._output)
            raise
        finally:
            os.close(handed)
        host.children.expect(self._pid, self._judge, keep=False)

    @staticmethod
    def explain(program: bytes, error: OSError) -> str:
        """Why it could not be started."""
        directory, name = os.path.split(program)
        return f"{legible(program)}: {explain.failure(directory, name, error)}"

    def kill(self) -> None:
        if self._pid:
            self._late = True
            os.kill(self._pid, signal.SIGKILL)

    def _judge(self, exit_status: int) -> None:
        self._pid = 0  # from here on it may be another's
        said = self._last_line()
        if self._late:
            self._ended(f"{self._program} was tried, and did not answer in {PATIENCE:g} seconds")
        elif exit_status == 0 and said == FIT:
            self._ended("")
        else:
            why = legible(said) if said not in (b"", FIT) else explain.ending(exit_status)
            self._ended(f"{self._program} was tried, and failed: {why}")

    def _last_line(self) -> bytes:
        """Nothing where that cannot be read: then it has not said that it is fit."""
        try:
            size = os.fstat(self._output).st_size
            said = os.pread(self._output, _LAST_WORDS, max(0, size - _LAST_WORDS))
        except OSError:
            said = b""
        os.close(self._output)
        return said.strip().rpartition(b"\n")[2]


def memory(data: bytes) -> int:
    """A descriptor of a file that has this content, and no name."""
    fd = os.memfd_create("supervise", os.MFD_CLOEXEC)
    with open(fd, "wb", closefd=False) as file:
        file.write(data)
    return fd
