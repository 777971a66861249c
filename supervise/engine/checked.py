"""Files, FIFOs and directories that are checked to be what they should be before they are used."""

import contextlib
import errno
import fcntl
import os
import stat
import sys
import termios
from collections.abc import Callable

from supervise.protocol.errors import text

FLAGS = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
"""Nothing is followed, and nobody is waited for."""

Identity = tuple[int, int]
"""Device and inode: what makes a directory this one and no other, as 0.76."""

_NO_ROOM = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM))

_TRUSTED = (0, os.geteuid())


class UnusableError(Exception):
    """The service cannot be supervised; the text says what is wrong, and where."""


class NoRoomError(UnusableError):
    """For want of memory or of descriptors: it may go well the next time."""


class BusyError(UnusableError):
    """Another supervisor holds the lock at this path."""

    def __init__(self, what: str, path: bytes) -> None:
        super().__init__(what)
        self.path = path


def make(path: bytes, shown: str) -> None:
    """The `supervise/` itself, where it is not there yet. It may be a symbolic link."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        _check_directory(path, shown)
    except OSError as error:
        raise unable("create", shown, error) from None


def _check_directory(path: bytes, shown: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        where = ascii(os.fsdecode(os.readlink(path)))
        raise UnusableError(f"{shown} is a link to {where}, which does not exist") from None
    except OSError as error:
        raise unable("stat", shown, error) from None
    if stat.S_ISDIR(mode) and mode & stat.S_IWOTH:
        raise UnusableError(f"{shown} can be written by everybody: chmod o-w")


def make_fifo(path: bytes, shown: str) -> None:
    """Where nothing is there yet; what is there must be a FIFO."""
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        if not stat.S_ISFIFO(os.lstat(path).st_mode):
            raise wrong(shown, "a FIFO") from None
    except OSError as error:
        raise unable("create", shown, error) from None


def open_fifo(path: bytes, shown: str, mode: int) -> int:
    """Made where it is not there yet, and opened without waiting for another end."""
    make_fifo(path, shown)
    return open_made_fifo(path, shown, mode)


def open_made_fifo(path: bytes, shown: str, mode: int) -> int:
    """Without waiting for another end."""
    try:
        fd = os.open(path, mode | FLAGS)
    except OSError as error:
        raise unable("open", shown, error) from None
    return _check_or_close(fd, shown, stat.S_ISFIFO, "a FIFO")


def waiting_bytes(fd: int) -> int:
    """How much lies unread in a FIFO."""
    answer = fcntl.ioctl(fd, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, sys.byteorder)


def identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino


def identity_at(path: bytes) -> Identity | None:
    """Of what is there; None where nothing is."""
    try:
        return identity(os.stat(path))
    except OSError:
        return None


def real_path(path: bytes) -> bytes:
    """Of a directory, without links. The kernel knows: realpath would look at each part of the way.

    :raises OSError: where there is none.
    """
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return os.readlink(b"/proc/self/fd/%d" % fd)
    finally:
        os.close(fd)


def lacks_room(error: Exception) -> bool:
    """Whether it was for want of memory or of descriptors: it may go well the next time."""
    return isinstance(error, NoRoomError) or (
        isinstance(error, OSError) and error.errno in _NO_ROOM
    )


def unable(verb: str, shown: str, error: OSError) -> UnusableError:
    kind = NoRoomError if lacks_room(error) else UnusableError
    return kind(f"unable to {verb} {shown}: {text(error)}")


def no_file(verb: str, path: bytes, shown: str, error: OSError) -> UnusableError:
    """What cannot be opened may be no plain file at all, which says more."""
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return wrong(shown, "a plain file")
    return unable(verb, shown, error)


def check(fd: int, shown: str, right: Callable[[int], bool], what: str) -> Identity:
    """That it is the right kind of thing, and that nobody else can have put it there."""
    found = os.fstat(fd)
    if not right(found.st_mode):
        raise wrong(shown, what)
    if found.st_uid not in _TRUSTED:
        raise UnusableError(f"{shown} belongs to somebody else: remove it")
    if found.st_nlink > 1:
        raise UnusableError(f"{shown} has a second name elsewhere: remove it")
    return identity(found)


def open_plain(path: bytes, shown: str, flags: int) -> int:
    """A plain file of ours.

    :raises OSError: where it cannot be opened.
    """
    fd = os.open(path, flags | FLAGS, 0o600)
    return _check_or_close(fd, shown, stat.S_ISREG, "a plain file")


def _check_or_close(fd: int, shown: str, right: Callable[[int], bool], what: str) -> int:
    """As `check`: the descriptor, which is closed where it is not right."""
    try:
        check(fd, shown, right, what)
    except BaseException:
        os.close(fd)
        raise
    return fd


def wrong(shown: str, what: str) -> UnusableError:
    return UnusableError(f"{shown} is not {what}: remove it")
