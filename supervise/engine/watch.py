"""inotify, through pyinotify: everything that uses that package is in this module.

Its reader is not used, because it fails on names that are not UTF-8; and paths are handed to it as
/proc/self/fd/N, because it encodes them strictly.
"""

import contextlib
import errno
import os
import struct
import warnings
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

MODIFY = 0x2
ATTRIB = 0x4
CLOSE_WRITE = 0x8
CLOSE_NOWRITE = 0x10
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
OVERFLOW = 0x4000
IGNORED = 0x8000
ONLYDIR = 0x1000000
MASK_ADD = 0x20000000
ISDIR = 0x40000000

CHANGES = (
    CREATE
    | MOVED_TO
    | MOVED_FROM
    | DELETE
    | CLOSE_WRITE
    | ATTRIB
    | MODIFY
    | DELETE_SELF
    | MOVE_SELF
)
"""All that can change what is found in a directory."""

_HEAD = struct.Struct("iIII")


class Event(NamedTuple):
    """`watch` is the id that `add` returned, -1 with OVERFLOW; `name` is empty for the watched
    thing itself."""

    watch: int
    mask: int
    name: bytes


def library() -> ModuleType:
    """pyinotify, imported when it is needed: it takes 4 MB, and may be half installed just then.

    :raises OSError: where it cannot be had.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # asyncore, which it imports, is deprecated
            return import_module("pyinotify")
    except Exception as error:
        raise OSError(errno.ENOPKG, f"pyinotify: {error}") from None


class Watcher:
    """:raises OSError: where no inotify instance can be had."""

    def __init__(self) -> None:
        pyinotify = library()
        self._error = pyinotify.WatchManagerError
        try:
            self._manager = pyinotify.WatchManager()
        except OSError as error:
            raise OSError(*_reason(error)) from None
        except pyinotify.PyinotifyError as error:
            raise OSError(errno.ENOPKG, f"pyinotify: {error}") from None
        self._fd: int = self._manager.get_fd()
        os.set_inheritable(self._fd, False)
        os.set_blocking(self._fd, False)

    def fileno(self) -> int:
        return self._fd

    def add(self, path: bytes | str, mask: int) -> int:
        """Watch what is at the path now. The same thing gives the same id again, with the new mask.

        :raises OSError: where there is nothing, or no watch can be had.
        """
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            found = self._manager.add_watch(f"/proc/self/fd/{fd}", mask, quiet=False)
        except self._error as error:
            raise OSError(*_reason(error)) from None
        finally:
            os.close(fd)
        (watch,) = found.values()
        return int(watch)

    def remove(self, watch: int) -> None:
        """Nothing happens where the watch has ended by itself."""
        with contextlib.suppress(self._error):
            self._manager.rm_watch(watch, quiet=False)

    def forget(self, watch: int) -> None:
        """After IGNORED: the kernel has ended the watch."""
        if self._manager.get_watch(watch) is not None:
            self._manager.del_watch(watch)

    def read(self) -> list[Event]:
        """What has happened; empty where nothing has."""
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return []
        events = []
        at = 0
        while at < len(data):
            watch, mask, _, size = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            events.append(Event(watch, mask, data[at : at + size].rstrip(b"\0")))
            at += size
        return events

    def close(self) -> None:
        self._manager.close()


def _reason(error: Exception) -> tuple[int, str]:
    """The number that hides in the text of pyinotify's error."""
    text = str(error)
    for number, name in errno.errorcode.items():
        if f"({name})" in text:
            return number, os.strerror(number)
    return errno.EIO, text
