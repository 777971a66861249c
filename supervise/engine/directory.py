"""The `supervise/` of one service: its lock, its FIFOs, its status and its record.

Layout and modes are those of daemontools 0.76; `state`, `stdout` and `ready` are ours. What is
found there is checked to be what it should be before it is used.
"""

import contextlib
import errno
import fcntl
import os
import stat

from supervise.engine.checked import (
    FLAGS,
    BusyError,
    check,
    identity,
    lacks_room,
    make,
    make_fifo,
    no_file,
    open_fifo,
    open_made_fifo,
    open_plain,
    unable,
    wrong,
)
from supervise.engine.messages import legible
from supervise.protocol import record
from supervise.protocol.errors import text
from supervise.protocol.handover import HandedService

_NEW_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS


class SuperviseDirectory:
    """Three descriptors for as long as it is held: lock, ok, and control, which reads the letters.

    :param handed: what is open of it already, after an upgrade in place.
    :raises BusyError: where another supervisor holds the lock.
    :raises UnusableError: where something is missing, in the way, or not ours.
    """

    __slots__ = ("_identity", "_lock", "_name", "_ok", "_path", "_state", "control")

    def __init__(self, service: bytes, name: bytes, handed: HandedService | None = None) -> None:
        self.follow(service, name)
        self._lock = self._ok = self.control = -1
        self._state = (0, 0)
        try:
            if handed is not None:
                self._lock, self._ok, self.control = handed.lock_fd, handed.ok_fd, handed.control_fd
                self._identity = identity(os.fstat(self._lock))
            else:
                self._take(service + b"/supervise")
        except BaseException:
            self.close()
            raise

    def follow(self, service: bytes, name: bytes) -> None:
        """The service directory is there, and is called that in messages."""
        self._path = service + b"/supervise/"
        self._name = legible(name) + "/supervise/"

    def _take(self, path: bytes) -> None:
        make(path, self._name[:-1])
        self._lock = self._open_lock()
        self._identity = identity(os.fstat(self._lock))
        for name in (b"status", b"status.new"):
            self._check_file(name)
        self.control = self._open_fifo(b"control", os.O_RDWR)
        self._check_ok()

    def announce(self) -> None:
        """Open `ok`, by which clients see that somebody supervises, when there is a status."""
        if self._ok < 0:
            self._ok = open_made_fifo(self._path + b"ok", self._name + "ok", os.O_RDONLY)

    @property
    def descriptors(self) -> dict[str, int]:
        """What is open of it, as it is handed over."""
        return {"lock_fd": self._lock, "ok_fd": self._ok, "control_fd": self.control}

    def _check_ok(self) -> None:
        """Before anything is started. Not opened yet: that would tell that somebody supervises."""
        path, shown = self._path + b"ok", self._name + "ok"
        make_fifo(path, shown)
        fd = os.open(path, os.O_PATH | FLAGS)
        try:
            check(fd, shown, stat.S_ISFIFO, "a FIFO")
        finally:
            os.close(fd)

    def _open_lock(self) -> int:
        path = self._path + b"lock"
        shown = self._name + "lock"
        try:
            fd = open_plain(path, shown, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        except OSError as error:
            raise no_file("acquire", path, shown, error) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise BusyError(f"unable to acquire {shown}: {text(error)}", path) from None
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _here(self) -> bytes:
        """Where it is now. It may have been moved, and another one have taken its place, in which
        we must not write: the lock that we hold is in ours.

        :raises FileNotFoundError: where it was removed, or covered by a mount.
        """
        if self._is_ours(self._path):
            return self._path
        moved = os.readlink(b"/proc/self/fd/%d" % self._lock)[: -len(b"lock")]
        if self._is_ours(moved):
            self._path = moved
        else:
            self._lock_again()
        return self._path

    def _lock_again(self) -> None:
        """The lock alone may have been removed, or replaced: then what is there now is to be ours.

        :raises UnusableError: where somebody else holds it.
        """
        if identity(os.lstat(self._path + b"control")) != identity(os.fstat(self.control)):
            raise FileNotFoundError(errno.ENOENT, "its lock is gone")
        lock = self._open_lock()
        os.dup2(lock, self._lock, inheritable=False)
        os.close(lock)
        self._identity = identity(os.fstat(self._lock))

    @property
    def removed(self) -> bool:
        """Not the lock alone, but with everything around it. Not where it cannot be seen."""
        with contextlib.suppress(OSError):
            return not any(os.fstat(fd).st_nlink for fd in (self._lock, self.control))
        return False

    def _is_ours(self, path: bytes) -> bool:
        """:raises OSError: where it cannot be looked at just now."""
        try:
            return identity(os.lstat(path + b"lock")) == self._identity
        except OSError as error:
            if lacks_room(error):
                raise
            return False

    def _open_fifo(self, name: bytes, mode: int) -> int:
        return open_fifo(self._path + name, self._name + name.decode(), mode)

    def open_pipe(self, name: bytes) -> int:
        """A FIFO that we hold open at both ends, so that it outlives whoever else uses it."""
        try:
            self._here()
        except OSError as error:
            raise unable("open", self._name + name.decode(), error) from None
        return self._open_fifo(name, os.O_RDWR)

    def has_reader(self, name: bytes) -> bool:
        """Whether somebody has this FIFO open for reading, be it also for writing."""
        try:
            os.close(os.open(self._path + name, os.O_WRONLY | FLAGS))
        except OSError:
            return False
        return True

    def _check_file(self, name: bytes) -> None:
        try:
            found = os.lstat(self._path + name)
        except FileNotFoundError:
            return
        if not stat.S_ISREG(found.st_mode):
            raise wrong(self._name + name.decode(), "a plain file")

    def read_status(self) -> bytes | None:
        """None where there is none."""
        return self._read(b"status", 64)

    def read_record(self) -> bytes | None:
        """None where there is none."""
        return self._read(b"state", 2 * record.SIZE)

    def _read(self, name: bytes, size: int) -> bytes | None:
        shown = self._name + name.decode()
        try:
            fd = open_plain(self._path + name, shown, os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise no_file("read", self._path + name, shown, error) from None
        try:
            return os.read(fd, size)
        finally:
            os.close(fd)

    def reset_begun(self) -> bytes:
        """Make the file by which a `finish` shows that it has begun say that none has; its path.

        The new process opens it with O_TRUNC before it executes anything, which sets its time. A
        file of no length needs no room on the disk.

        :raises OSError, UnusableError: where there can be no such file.
        """
        path = self._here() + b"begun"
        fd = open_plain(path, self._name + "begun", os.O_WRONLY | os.O_CREAT)
        try:
            os.utime(fd, ns=(0, 0))
        finally:
            os.close(fd)
        return path

    def begun_opened(self) -> bool:
        """Whether something has begun since `reset_begun`."""
        try:
            return os.lstat(self._path + b"begun").st_mtime_ns != 0
        except OSError:
            return False

    def write_status(self, data: bytes) -> None:
        """Replaced as a whole by a rename; where no second file can be had, in place.

        :raises OSError: where neither can be had.
        """
        path = self._here() + b"status"
        try:
            self._replace(path, path + b".new", data)
        except OSError as error:
            try:
                self._write_in_place(path, data)
            except OSError:
                raise error from None

    def write_last_status(self, data: bytes) -> None:
        """As `write_status`. Where nobody supervises it is not read, so it needs no rename."""
        if self._ok >= 0:
            os.close(self._ok)
            self._ok = -1
        try:
            self._write_in_place(self._here() + b"status", data)
        except OSError:
            self.write_status(data)

    def _replace(self, path: bytes, new: bytes, data: bytes) -> None:
        try:
            fd = os.open(new, _NEW_FILE_FLAGS, 0o644)
        except FileExistsError:  # left by one that died here, or put there: not written into
            os.unlink(new)
            fd = os.open(new, _NEW_FILE_FLAGS, 0o644)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)
        os.rename(new, path)

    def write_record(self, data: bytes) -> None:
        """In place, by one write. The first one allocates the room for all that follow.

        :raises UnusableError: where it cannot be written.
        """
        try:
            fd = self._open_state()
            try:
                os.pwrite(fd, data, 0)
            finally:
                os.close(fd)
        except OSError as error:
            raise no_file("write", self._path + b"state", self._name + "state", error) from None

    def _open_state(self) -> int:
        """What is not the very file that was checked before is checked anew."""
        fd = os.open(self._here() + b"state", os.O_WRONLY | os.O_CREAT | FLAGS, 0o600)
        try:
            if identity(os.fstat(fd)) != self._state:
                self._state = check(fd, self._name + "state", stat.S_ISREG, "a plain file")
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _write_in_place(self, path: bytes, data: bytes) -> None:
        fd = os.open(path, os.O_WRONLY | FLAGS)
        try:
            os.pwrite(fd, data, 0)
        finally:
            os.close(fd)

    def close(self) -> None:
        for fd in (self._ok, self.control, self._lock):
            if fd >= 0:
                os.close(fd)
        self._lock = self._ok = self.control = -1
