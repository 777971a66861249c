"""What an operator sees of a service that is wrong, and whether the others mind."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.gate import taken_up
from tests.support.scan import BIN, DEADLINE, Scan, eventually


def shown(path: Path | bytes) -> dict[str, Any]:
    """What `svstat --json` says of it."""
    done = subprocess.run([BIN / "svstat", "--json", path], capture_output=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, b"")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def warnings(scan: Scan, name: str, count: int) -> list[str]:
    """What svstat shows, as soon as there is so much of it."""

    def look() -> list[list[str]]:
        found = shown(scan.home / name)["warnings"]
        return [found] if len(found) == count else []

    return eventually(look, lambda: f"{count} warnings: {shown(scan.home / name)}")[0]


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


def inside(scan: Scan, script: str) -> None:
    """svscan in a mount namespace of its own, after this shell script there. Paths of the scan are
    then as svscan sees them."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounts need root and unshare")
    svscan = scan.launch(
        *("unshare", "-m", "--propagation", "private", "sh", "-ec", script + '\nexec "$@"', "sh"),
        *(BIN / "svscan", scan.home),
        env={**os.environ, "S": str(scan.services), "H": str(scan.home)},
    )
    running = Path(f"/proc/{svscan.pid}/comm")
    eventually(
        lambda: svscan.poll() is not None or running.read_text().strip() not in ("unshare", "sh"),
        "svscan in its namespace",
    )
    if svscan.poll() is not None:
        pytest.skip(f"no mounts here: {scan.said()}")
    scan.home = Path(f"/proc/{svscan.pid}/root{scan.home}")
    scan.services = Path(f"/proc/{svscan.pid}/root{scan.services}")


def enter(scan: Scan, script: str) -> None:
    """Run a shell script in the mount namespace of svscan."""
    assert scan.svscan is not None
    subprocess.run(
        ["nsenter", "-m", "-t", str(scan.svscan.pid), "sh", "-ec", script],
        check=True,
        timeout=DEADLINE,
        env={**os.environ, "S": _plain(scan.services), "H": _plain(scan.home)},
    )


def replace_inside(scan: Scan, *names: str) -> None:
    """As `replace_svscan`, in the same mount namespace: the successor waits there already."""
    first = scan.svscan
    assert first is not None
    home, services = _plain(scan.home), _plain(scan.services)
    svscan = scan.launch("nsenter", "-m", "-t", str(first.pid), BIN / "svscan", home)
    scan.says("waiting for it to end")
    scan.home = Path(f"/proc/{svscan.pid}/root{home}")
    scan.services = Path(f"/proc/{svscan.pid}/root{services}")
    first.kill()
    first.wait(DEADLINE)
    for name in names:
        taken_up(scan, name)


def _plain(path: Path) -> str:
    """As it is called inside."""
    return str(path).partition("/root")[2] if str(path).startswith("/proc/") else str(path)
