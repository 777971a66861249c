"""`.svscan/` in the scan directory: what a next svscan and the clients need to know of ours.

services/DEVICE-INODE   a link to each service directory that is supervised, or was when svscan took
                        all down, so that one whose own link was removed is not forgotten
refused/NAME            why the entry of this name is not supervised
handling                what svscan has in hand
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator

from supervise.engine.checked import Identity
from supervise.protocol.errors import text

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class OwnList:
    """:ivar trouble: why it cannot be written, else empty; the first reason, which says most."""

    def __init__(self, home: bytes) -> None:
        self._at_home = False
        self._directory = home + b"/.svscan"
        self.handling = home + b"/.svscan/handling"
        self._services = home + b"/.svscan/services/"
        self._refused = home + b"/.svscan/refused/"
        self.trouble = ""

    def begin(self, supervised: Iterable[tuple[Identity, bytes]]) -> None:
        """What an earlier svscan refused is not known to be refused by us."""
        self.trouble = ""
        self._at_home = True
        self._try(self._make)
        for identity, path in supervised:
            self.add(identity, path)

    def end(self) -> None:
        """The directory is not there any more, or another svscan's: nothing is read or written."""
        self._at_home = False

    def _make(self) -> None:
        for path in (self._directory, self._services, self._refused):
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o755)
        for name in os.listdir(self._refused):
            os.unlink(self._refused + name)

    def __iter__(self) -> Iterator[tuple[Identity, bytes]]:
        """Identity and path of what was supervised last."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._services) if self._at_home else ():
                with contextlib.suppress(OSError, ValueError):
                    device, inode = name.split(b"-")
                    yield (int(device), int(inode)), os.readlink(self._services + name)

    def add(self, identity: Identity, path: bytes) -> None:
        self._try(lambda: self._link(self._file(identity), path))

    def _link(self, file: bytes, path: bytes) -> None:
        try:
            os.symlink(path, file)
        except FileExistsError:
            if os.readlink(file) != path:
                os.unlink(file)
                os.symlink(path, file)

    def remove(self, identity: Identity) -> None:
        self._remove(self._file(identity))

    def _file(self, identity: Identity) -> bytes:
        return self._services + b"%d-%d" % identity

    def refuse(self, name: bytes, reason: str) -> None:
        self._try(lambda: self._tell(self._refused + name, reason))

    def _tell(self, file: bytes, reason: str) -> None:
        fd = os.open(file, _FLAGS, 0o644)
        try:
            os.write(fd, reason.encode("utf-8", "surrogateescape") + b"\n")
        finally:
            os.close(fd)

    def accept(self, name: bytes) -> None:
        self._remove(self._refused + name)

    def _remove(self, file: bytes) -> None:
        if self._at_home:
            with contextlib.suppress(OSError):
                os.unlink(file)

    def _try(self, write: Callable[[], None]) -> None:
        try:
            if self._at_home:
                write()
        except OSError as error:
            self.trouble = self.trouble or text(error)
