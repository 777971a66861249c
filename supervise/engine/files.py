"""Reading small files that somebody else may have put there: never waits, never reads much."""

import errno
import os
import stat

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class NotPlainError(OSError):
    """A FIFO, a device or a directory lies where a plain file should be."""

    def __str__(self) -> str:
        return "it is not a plain file"


def read(path: bytes | str, size: int) -> bytes:
    """The first bytes of a plain file. To open a FIFO would wait for a writer, and we with it.

    :raises OSError: NotPlainError, or what the system says.
    """
    fd = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise NotPlainError(errno.EINVAL, "not a plain file")
        return os.read(fd, size)
    finally:
        os.close(fd)
