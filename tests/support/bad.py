"""What an operator sees of a service that is wrong, and whether the others mind."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support.scan import BIN, DEADLINE, Scan, eventually


def shown(path: Path | bytes) -> dict[str, Any]:
    """What `svstat --json` says of it."""
    done = subprocess.run([BIN / "svstat", "--json", path], capture_output=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, b"")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def reason(scan: Scan, name: str) -> str:
    """The reason that is shown, as soon as there is one."""
    return str(eventually(lambda: shown(scan.home / name)["reason"], f"a reason: {scan.said()}"))


def lines(scan: Scan, part: str) -> list[str]:
    """The lines that contain this."""
    return [line for line in scan.said().splitlines() if part in line]


def line(scan: Scan, part: str) -> str:
    """The one line that contains this, as soon as it is there."""
    found = eventually(lambda: lines(scan, part), lambda: f"{part!r} in {scan.said()!r}")
    assert len(found) == 1, found
    return found[0]


def well(scan: Scan, name: str = "good") -> None:
    """This service is served as ever, and nothing went wrong inside."""
    pid = scan.up(name)
    scan.control(name, "t")
    scan.up(name, beside=pid)
    assert "Traceback" not in scan.said()
    assert "supervisor fault" not in scan.said()


def tries(scan: Scan, name: str, times: int) -> None:
    """Wait until it was tried so often in vain, counted from the last `u`."""
    scan.until(name, lambda found: found.failures >= times)


def more_tries(scan: Scan, name: str, times: int) -> None:
    """Wait until it has failed so often from now on."""
    known = scan.record(name)
    assert known is not None
    tries(scan, name, known.failures + times)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
