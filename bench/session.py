"""What a run of the bench carries along: what was asked for, and the samples so far."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench import stage as staging
from bench.build import Programs
from bench.peers import OURS, Supervisor
from bench.processes import CommandError
from bench.stage import Stage, StageError


@dataclass(frozen=True)
class Settings:
    rounds: int = 5
    services: int = 1000
    many: int = 10_000
    idle_seconds: float = 30
    crash_seconds: float = 60
    only: frozenset[str] = frozenset()

    def wants(self, *rows: str) -> bool:
        return not self.only or bool(self.only.intersection(rows))


@dataclass
class Session:
    settings: Settings
    supervisors: list[Supervisor]
    directory: Path
    programs: Programs
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    _stages: int = 0

    @property
    def ours(self) -> Supervisor | None:
        return next((each for each in self.supervisors if each.name == OURS), None)

    def wants(self, *rows: str) -> bool:
        return self.settings.wants(*rows)

    def add(self, row: str, name: str, *values: float) -> None:
        self.samples.setdefault(row, {}).setdefault(name, []).extend(values)

    def note(self, row: str, text: str) -> None:
        if text not in self.notes.setdefault(row, []):
            self.notes[row].append(text)

    def turns(self, frugal: int = 1) -> Iterator[tuple[int, Supervisor]]:
        """All in turn, each round beginning with another: noise and order hit all alike.

        The slow ones come less often."""
        for number in range(self.settings.rounds):
            shift = number % max(len(self.supervisors), 1)
            for supervisor in self.supervisors[shift:] + self.supervisors[:shift]:
                if number < frugal or not supervisor.frugal:
                    yield number, supervisor

    @contextmanager
    def stage(self, supervisor: Supervisor, crash: bool = False) -> Iterator[Stage]:
        with self.stages([supervisor], crash) as stages:
            yield stages[0]

    @contextmanager
    def stages(self, supervisors: list[Supervisor], crash: bool = False) -> Iterator[list[Stage]]:
        made = [self._make(supervisor, crash) for supervisor in supervisors]
        with staging.curtain(made):
            yield made
        for each in made:
            shutil.rmtree(each.directory)

    def _make(self, supervisor: Supervisor, crash: bool) -> Stage:
        self._stages += 1
        program = self.programs.fails if crash else self.programs.stays
        return Stage(self.directory / f"{self._stages:03}", supervisor, program)

    @contextmanager
    def forgiving(self, *rows: str) -> Iterator[None]:
        """Who fails in one row shall not cost the others theirs; the table shows it."""
        try:
            yield
        except (StageError, CommandError) as failure:
            print(f"bench: {failure}", file=sys.stderr)
            for row in rows:
                self.note(row, str(failure).splitlines()[0])


def say(text: str) -> None:
    with suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)
