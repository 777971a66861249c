"""Whether keepalived may be started, or told to read its configuration again.

The service directory's own `start-check` decides, as it does before each start: it is run in the
same way, so that both say the same.
"""

import os
import subprocess
from typing import NamedTuple

PATIENCE = 60.0
"""Seconds, as the supervisor gives it."""


class Answer(NamedTuple):
    """`why` is the reason where it may not; `remarks` is what else is good to know."""

    passed: bool
    why: str = ""
    remarks: str = ""


def ask(directory: str) -> Answer:
    program = os.path.join(directory, "start-check")
    if not os.path.exists(program):
        return Answer(True, remarks=f"{program}: not there, so nothing was checked")
    try:
        done = subprocess.run(
            ["./start-check"],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except OSError as error:
        return Answer(False, f"{program}: unable to run: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Answer(False, f"{program}: not done in {PATIENCE:.0f} seconds")
    remarks = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == 0:
        return Answer(True, remarks=remarks)
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    return Answer(False, lines[0] if lines else f"exit {done.returncode}", remarks)
