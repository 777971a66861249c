"""The `supervise/` of one service: its lock, its FIFOs, its status and its record.

Layout and modes are those of daemontools 0.76; `state`, `stdout` and `ready` are ours. What is
found there is checked to be what it should be before it is used.
"""

import errno
import fcntl
import os
import stat
import sys
import termios
from collections.abc import Callable

from supervise.engine.messages import printable
from supervise.protocol import record
from supervise.protocol.errors import text

_FIFO_FLAGS = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS))
_TRUSTED = (0, os.geteuid())


class UnusableError(Exception):
    """The service cannot be supervised; the text says what is wrong, and where."""


class BusyError(UnusableError):
    """Another supervisor holds the lock."""


class SuperviseDirectory:
    """Three descriptors for as long as it is held: lock, ok, and control, which reads the letters.

    :raises BusyError: where another supervisor holds the lock.
    :raises UnusableError: where something is missing, in the way, or not ours.
    """

    __slots__ = ("_lock", "_name", "_ok", "_path", "control")

    def __init__(self, service: bytes, name: bytes) -> None:
        self.follow(service, name)
        self._lock = self._ok = self.control = -1
        try:
            self._take(service + b"/supervise")
        except BaseException:
            self.close()
            raise

    def follow(self, service: bytes, name: bytes) -> None:
        """The service directory is there, and is called that in messages."""
        self._path = service + b"/supervise/"
        self._name = os.fsdecode(printable(name)) + "/supervise/"

    def _take(self, path: bytes) -> None:
        make(path, self._name[:-1])
        self._lock = self._open_lock()
        self._check_file(b"status")
        self.control = self._open_fifo(b"control", os.O_RDWR)
        make_fifo(self._path + b"ok", self._name + "ok")

    def announce(self) -> None:
        """Open `ok`, by which clients see that somebody supervises, when there is a status."""
        self._ok = open_fifo(self._path + b"ok", self._name + "ok", os.O_RDONLY)

    def _open_lock(self) -> int:
        path = self._path + b"lock"
        shown = self._name + "lock"
        try:
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _FILE_FLAGS, 0o600)
        except OSError as error:
            raise _unable("acquire", shown, error) from None
        try:
            _check(fd, shown, stat.S_ISREG, "a plain file")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise BusyError(f"unable to acquire {shown}: {text(error)}") from None
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _open_fifo(self, name: bytes, mode: int) -> int:
        return open_fifo(self._path + name, self._name + name.decode(), mode)

    def open_pipe(self, name: bytes) -> int:
        """A FIFO that we hold open at both ends, so that it outlives whoever else uses it."""
        return self._open_fifo(name, os.O_RDWR)

    def has_writer(self, name: bytes) -> bool:
        """Whether somebody holds this FIFO open at its writing end, or left something in it."""
        try:
            fd = os.open(self._path + name, os.O_RDONLY | _FIFO_FLAGS)
        except OSError:
            return False
        try:
            return waiting_bytes(fd) > 0 or os.read(fd, 1) != b""
        except BlockingIOError:
            return True
        finally:
            os.close(fd)

    def _check_file(self, name: bytes) -> None:
        try:
            found = os.lstat(self._path + name)
        except FileNotFoundError:
            return
        if not stat.S_ISREG(found.st_mode):
            raise _wrong(self._name + name.decode(), "a plain file")

    def read_status(self) -> bytes:
        """Empty where there is none."""
        return self._read(b"status", 64)

    def read_record(self) -> bytes:
        """Empty where there is none."""
        return self._read(b"state", 2 * record.SIZE)

    def _read(self, name: bytes, size: int) -> bytes:
        shown = self._name + name.decode()
        try:
            fd = os.open(self._path + name, os.O_RDONLY | _FILE_FLAGS)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _unable("read", shown, error) from None
        try:
            _check(fd, shown, stat.S_ISREG, "a plain file")
            return os.read(fd, size)
        finally:
            os.close(fd)

    def write_status(self, data: bytes) -> None:
        """Replaced as a whole by a rename; where the disk has no room for a second file, in place.

        :raises OSError: where neither can be had.
        """
        path = self._path + b"status"
        new = path + b".new"
        try:
            fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FILE_FLAGS, 0o644)
            try:
                os.write(fd, data)
            finally:
                os.close(fd)
            os.rename(new, path)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._write_in_place(path, data)

    def write_record(self, data: bytes) -> None:
        """In place, by one write. The first one allocates the room for all that follow.

        :raises UnusableError: where it cannot be written.
        """
        shown = self._name + "state"
        try:
            fd = os.open(self._path + b"state", os.O_WRONLY | os.O_CREAT | _FILE_FLAGS, 0o600)
            try:
                _check(fd, shown, stat.S_ISREG, "a plain file")
                os.pwrite(fd, data, 0)
            finally:
                os.close(fd)
        except OSError as error:
            raise _unable("write", shown, error) from None

    def _write_in_place(self, path: bytes, data: bytes) -> None:
        fd = os.open(path, os.O_WRONLY | _FILE_FLAGS)
        try:
            os.pwrite(fd, data, 0)
        finally:
            os.close(fd)

    def close(self) -> None:
        for fd in (self._ok, self.control, self._lock):
            if fd >= 0:
                os.close(fd)
        self._lock = self._ok = self.control = -1


def make(path: bytes, shown: str) -> None:
    """The `supervise/` itself, where it is not there yet. It may be a symbolic link."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise _unable("create", shown, error) from None


def make_fifo(path: bytes, shown: str) -> None:
    """Where nothing is there yet; what is there must be a FIFO."""
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        if not stat.S_ISFIFO(os.lstat(path).st_mode):
            raise _wrong(shown, "a FIFO") from None
    except OSError as error:
        raise _unable("create", shown, error) from None


def open_fifo(path: bytes, shown: str, mode: int) -> int:
    """Without waiting for another end."""
    make_fifo(path, shown)
    try:
        fd = os.open(path, mode | _FIFO_FLAGS)
    except OSError as error:
        raise _unable("open", shown, error) from None
    try:
        _check(fd, shown, stat.S_ISFIFO, "a FIFO")
    except UnusableError:
        os.close(fd)
        raise
    return fd


def waiting_bytes(fd: int) -> int:
    """How much lies unread in a FIFO."""
    answer = fcntl.ioctl(fd, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, sys.byteorder)


def _unable(verb: str, shown: str, error: OSError) -> UnusableError:
    return UnusableError(f"unable to {verb} {shown}: {text(error)}")


def _check(fd: int, shown: str, right: Callable[[int], bool], what: str) -> None:
    """That it is the right kind of thing, and that nobody else can have put it there."""
    found = os.fstat(fd)
    if not right(found.st_mode):
        raise _wrong(shown, what)
    if found.st_uid not in _TRUSTED:
        raise UnusableError(f"{shown} belongs to somebody else: remove it")
    if found.st_nlink > 1:
        raise UnusableError(f"{shown} has a second name elsewhere: remove it")


def _wrong(shown: str, what: str) -> UnusableError:
    return UnusableError(f"{shown} is not {what}: remove it")
