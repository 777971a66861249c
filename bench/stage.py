"""A supervisor with its services, in a directory of its own on a tmpfs."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import processes
from bench.events import Event, Events
from bench.peers import Supervisor

# daemontools's supervise is deaf for a second after each start; nobody is measured before that
# is over.
SETTLED = 1.3


class StageError(Exception):
    """A supervisor did not do what was to be measured."""


class Stage:
    def __init__(self, directory: Path, supervisor: Supervisor, program: Path) -> None:
        self.directory = directory
        self.supervisor = supervisor
        self.root = 0
        self.services: list[str] = []
        self.pids: dict[str, int] = {}  # of the instances that were seen last
        self._program = program
        self._output = directory / "output"
        for part in ("scan", "services"):
            (directory / part).mkdir(parents=True)
        self.events = Events(directory / "services" / "events")

    def make(self, count: int, knobs: dict[str, str] | None = None) -> list[str]:
        """Service directories that nobody has linked yet."""
        first = len(self.services)
        names = [f"s{number:05}" for number in range(first, first + count)]
        for name in names:
            self._make_one(self.directory / "services" / name, knobs or {})
        self.services += names
        return names

    def _make_one(self, directory: Path, knobs: dict[str, str]) -> None:
        directory.mkdir()
        os.link(self._program, directory / "run")
        for name, value in knobs.items():
            (directory / name).parent.mkdir(exist_ok=True)
            (directory / name).write_text(value)

    def begin(self, names: Sequence[str]) -> int:
        """Start the supervisor with these services; the time just before."""
        self.supervisor.prepare(self.directory, names)
        begin = time.monotonic_ns()
        self.root = self.supervisor.start(self.directory, self._output)
        return begin

    def start(self, names: Sequence[str]) -> float:
        """Start the supervisor with these services; milliseconds until the last of them runs."""
        begin = self.begin(names)
        return milliseconds(begin, self.started(names, self.supervisor.patience).values())

    def started(self, names: Sequence[str], seconds: float) -> dict[str, Event]:
        events = self.events.collect(names, seconds)
        self.pids.update((name, event.pid) for name, event in events.items())
        missing = len(set(names) - set(events))
        if missing:
            what = f"{missing} of {len(names)} did not start"
            raise StageError(f"{self.supervisor.name}: {what}{self._last_words()}")
        return events

    def directories(self, names: Sequence[str] | None = None) -> list[str]:
        chosen = self.services if names is None else names
        return [str(self.directory / "scan" / name) for name in chosen]

    def run(self, command: list[str]) -> int:
        return processes.run(command, self.supervisor.path)

    def supervisors(self) -> list[int]:
        return processes.supervisors(self.root)

    def stop(self) -> float:
        """Take everything down; milliseconds until no process is left."""
        begin = time.monotonic_ns()
        self.supervisor.stop(self.root, self.directories())
        if not processes.reap_all(self.supervisor.patience):
            raise StageError(
                f"{self.supervisor.name}: processes were left behind{self._last_words()}"
            )
        return (time.monotonic_ns() - begin) / 1e6

    def kill_root(self) -> None:
        os.kill(self.root, signal.SIGKILL)
        os.waitpid(self.root, 0)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self._output.read_text(errors="replace").splitlines()
            return "".join(f"\n    {line}" for line in lines[-5:])
        return ""

    def close(self) -> None:
        self.events.close()


@contextmanager
def curtain(stages: list[Stage]) -> Iterator[None]:
    """Nothing that was started stays, whatever happens."""
    try:
        yield
    finally:
        processes.kill_descendants()
        for stage in stages:
            stage.close()


def milliseconds(begin: int, events: Iterable[Event]) -> float:
    """Until the last of the events."""
    return (max(event.at for event in events) - begin) / 1e6
