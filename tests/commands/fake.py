"""A supervisor that does only what a test tells it to."""

import contextlib
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from supervise.commands.alive import boot_id
from supervise.protocol import record, status, tai64n
from supervise.protocol.record import Record
from tests.support.scan import DEADLINE

NOW = 1_700_000_000_000_000_000


def stamp(seconds: float = 0) -> bytes:
    """Some moment, and one so many seconds later."""
    return tai64n.pack(NOW + int(seconds * 1e9))


class Fake:
    """A service directory with the FIFOs of somebody who supervises it: us."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.directory = os.fsencode(path)
        self.inside = path / "supervise"
        self.inside.mkdir(parents=True)
        for name in ("ok", "control"):
            os.mkfifo(self.inside / name)
        self.ok = os.open(self.inside / "ok", os.O_RDONLY | os.O_NONBLOCK)
        self.control = os.open(self.inside / "control", os.O_RDWR | os.O_NONBLOCK)
        self.status()

    def status(self, pid: int = 0, want: str = "up", at: float = 0, paused: bool = False) -> None:
        """Replaced by a rename, as daemontools 0.76 does."""
        new = self.inside / "status.new"
        new.write_bytes(status.pack(stamp(at), pid, paused, want))
        new.rename(self.inside / "status")

    def record(self, at: float = 0, **fields: Any) -> None:
        """A record and the status that goes with it."""
        found = self.record_alone(at, **fields)
        self.status(found.pid, found.want, at, found.paused)

    def record_alone(self, at: float = 0, **fields: Any) -> Record:
        """As for a moment after each start: the status is written later."""
        found = make_record(self.path, at, **fields)
        fd = os.open(self.inside / "state", os.O_WRONLY | os.O_CREAT)
        os.pwrite(fd, record.pack(found), 0)
        os.close(fd)
        return found

    def read(self, size: int = 100) -> bytes:
        """Letters from the FIFO; empty where there are none."""
        try:
            return os.read(self.control, size)
        except BlockingIOError:
            return b""

    def receive(self, letters: bytes) -> None:
        """Wait for exactly these."""
        read = b""
        while len(read) < len(letters):
            ready, _, _ = select.select([self.control], [], [], DEADLINE)
            assert ready, f"in vain: {letters!r}"
            read += self.read(len(letters) - len(read))
        assert read == letters

    def serve(self, letters: bytes) -> None:
        """Read these letters and what a waiting client sends after them."""
        self.receive(letters)
        self.receive(b"\n")

    def die(self) -> None:
        for fd in (self.ok, self.control):
            if fd >= 0:
                os.close(fd)
        self.ok = self.control = -1


def make_record(path: Path, at: float = 0, **fields: Any) -> Record:
    found = Record()
    here = path.stat()
    found.device, found.inode = here.st_dev, here.st_ino
    found.boot = boot_id()
    found.since = stamp(at)
    found.want = "up"
    for name, value in fields.items():
        setattr(found, name, value)
    return found


@contextlib.contextmanager
def supervised(path: Path) -> Iterator[Fake]:
    fake = Fake(path)
    try:
        yield fake
    finally:
        fake.die()
