"""What a client does with a service directory, as the clients of daemontools 0.76 do it.

Directories are bytes and used by their path: a thousand of them cost no change of the working
directory. Every function raises OSError where the system refuses; the caller asks `enter` then
whether it was the directory itself, which the classic messages tell apart. The empty path is none:
`enter` refuses it, and callers ask `open_ok` or `open_control` first, which refuse it too.
"""

import os
from errno import ENOENT, ENXIO

from supervise.protocol import status

_WRITE = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC

NOBODY = (ENXIO, ENOENT)
"""The errors of `open_ok` where nobody supervises: nobody any more, nobody ever."""


def enter(directory: bytes) -> None:
    """Raise what `chdir` to the directory raises; stay where we are."""
    os.stat(directory + b"/." if directory else b"")


def open_ok(directory: bytes) -> int:
    """A descriptor on `supervise/ok`, whose open reader is the sign that somebody supervises.

    :raises OSError: one of NOBODY, or what the system says.
    """
    return os.open(directory + b"/supervise/ok" if directory else b"", _WRITE)


def open_ok_fifo(directory: bytes) -> int:
    """As `open_ok`, where more is made of it than 0.76 makes: what is no FIFO has no reader."""
    return _only_fifo(open_ok(directory))


def open_control(directory: bytes) -> int:
    """A descriptor to write letters to. A write waits when the FIFO is full, as in 0.76."""
    control = os.open(directory + b"/supervise/control" if directory else b"", _WRITE)
    os.set_blocking(_only_fifo(control), True)
    return control


def _only_fifo(fd: int) -> int:
    """Nobody supervises what is none, and nobody is to write to it, least of all root."""
    if os.fstat(fd).st_mode & 0o170000 != 0o010000:
        os.close(fd)
        raise OSError(ENXIO, os.strerror(ENXIO))
    return fd


def read(directory: bytes, name: bytes, size: int) -> bytes:
    """The first `size` bytes of a file in `supervise/`."""
    file = os.open(directory + b"/supervise/" + name, _READ)
    try:
        return os.read(file, size)
    finally:
        os.close(file)


def read_status(directory: bytes) -> bytes:
    return read(directory, b"status", status.SIZE)


def normally_up(directory: bytes) -> bool:
    """Whether there is no `down` file in a directory that can be entered.

    Mostly there is none, which `access` tells without an exception, and those are dear.
    """
    down = directory + b"/down"
    if not os.access(down, os.F_OK, effective_ids=True, follow_symlinks=False):
        return True
    try:
        os.stat(down)  # a link may lead nowhere
    except FileNotFoundError:
        return True
    return False
