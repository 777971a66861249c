"""The C programs of the soak, compiled where it runs."""

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
_WARNINGS = ("-O1", "-Wall", "-Wextra", "-Werror")
_CALL = re.compile(r"^#define __NR_(\w+) (\d+)$", re.MULTILINE)


def worker(where: Path) -> Path:
    """What services, loggers, `finish` and `start-check` are."""
    return _compile(where / "worker", HERE / "worker.c")


def mayfly(where: Path) -> Path:
    """What they are in a long life."""
    return _compile(where / "mayfly", HERE / "mayfly.c", "-static")


def clock(where: Path) -> Path:
    """To be preloaded: a wall clock that can be made to jump."""
    return _compile(where / "clock.so", HERE / "clock.c", "-shared", "-fPIC")


def stepper(where: Path) -> Path:
    """Kills svscan before the system call that it is told."""
    headers = ["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"]
    known = subprocess.run(headers, check=True, capture_output=True, text=True).stdout
    calls = [f'[{number}] = "{name}",\n' for name, number in _CALL.findall(known)]
    (where / "calls.h").write_text("".join(calls))
    return _compile(where / "stepper", HERE / "stepper.c", f"-I{where}")


def _compile(target: Path, source: Path, *options: str) -> Path:
    subprocess.run(["gcc", *_WARNINGS, *options, "-o", target, source], check=True)
    return target
