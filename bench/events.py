"""What the probes tell: a FIFO in each stage, one line for each start of a service."""

import fcntl
import os
import select
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PIPE_SIZE = 1 << 20  # more than 30,000 lines: a probe never waits for the bench
MANY = 8


class Event(NamedTuple):
    at: int
    pid: int
    name: str


class Events:
    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._rest = b""

    def close(self) -> None:
        os.close(self._descriptor)

    def read(self, seconds: float) -> list[Event]:
        """The events at hand; waits for the first, at most so long."""
        if not select.select([self._descriptor], [], [], max(seconds, 0))[0]:
            return []
        data = self._rest + os.read(self._descriptor, PIPE_SIZE)
        *lines, self._rest = data.split(b"\n")
        return [_event(line) for line in lines]

    def forget(self) -> int:
        """Throw away what is unread; how many it were."""
        return len(self.read(0))

    def collect(self, names: Iterable[str], seconds: float) -> dict[str, Event]:
        """Wait until each of these services has started; the first start of each that did."""
        missing = set(names)
        found: dict[str, Event] = {}
        end = time.monotonic() + seconds
        while missing and (left := end - time.monotonic()) > 0:
            for event in self.read(left):
                found.setdefault(event.name, event)
            missing.difference_update(found)
            if len(missing) > MANY:
                # The events carry their time, so they may be read late:
                # do not take a core from who is measured.
                time.sleep(0.01)
        return found

    def trickle(self, quiet: float, seconds: float) -> dict[str, Event]:
        """Every start until none came for `quiet` seconds: nobody knows how many will fit."""
        found: dict[str, Event] = {}
        end = time.monotonic() + seconds
        while time.monotonic() < end and (events := self.read(quiet)):
            for event in events:
                found.setdefault(event.name, event)
            time.sleep(0.05)
        return found


def _event(line: bytes) -> Event:
    at, pid, name = line.decode().split(" ", 2)
    return Event(int(at) or time.monotonic_ns(), int(pid), name)
