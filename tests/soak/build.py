"""The C programs of the soak, compiled where it runs."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent
_WARNINGS = ("-O1", "-Wall", "-Wextra", "-Werror")


def worker(where: Path) -> Path:
    """What services, loggers, `finish` and `start-check` are."""
    return _compile(where / "worker", HERE / "worker.c")


def clock(where: Path) -> Path:
    """To be preloaded: a wall clock that can be made to jump."""
    return _compile(where / "clock.so", HERE / "clock.c", "-shared", "-fPIC")


def _compile(target: Path, source: Path, *options: str) -> Path:
    subprocess.run(["gcc", *_WARNINGS, *options, "-o", target, source], check=True)
    return target
