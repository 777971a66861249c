"""What a test inside of a box needs: services, and what is seen of them."""

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

SCAN = Path("/service")
RESULTS = Path("/results")
WELL = "all is well"
PATIENCE = 30.0

T = TypeVar("T")


def eventually(look: Callable[[], T], what: str) -> T:
    end = time.monotonic() + PATIENCE
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.05)


def add(name: str, run: str = "echo begun $$; exec sleep 100000") -> None:
    """A service with a logger."""
    directory = Path("/services") / name
    for where, text in (("run", run), ("log/run", "exec cat")):
        path = directory / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    (SCAN / name).symlink_to(directory)


def pid(name: str) -> int:
    """0 where it is not up."""
    try:
        return int.from_bytes((SCAN / name / "supervise/status").read_bytes()[12:16], "little")
    except OSError:
        return 0


def up(name: str) -> int:
    return eventually(lambda: pid(name), f"{name} is up")


def supervised(name: str) -> bool:
    path = SCAN / name / "supervise/ok"
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def alive(number: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False


def shell(command: str) -> str:
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True)
    return (done.stdout + done.stderr).strip()


def perform(test: Callable[[], None]) -> None:
    """Run the test, write down how it went, and end the box."""
    try:
        test()
        said = WELL
    except BaseException:
        said = traceback.format_exc()
    (RESULTS / "said").write_text(said)
    sys.stdout.flush()
