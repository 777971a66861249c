"""Processes that we may not signal, as those that sudo starts under a supervisor that is not root.

A supervisor that is root without the capability to signal others fares the same.
"""

import os
import shutil
import signal
import subprocess

import pytest

from tests.support.bad import line, lines, shown, warnings, well
from tests.support.gate import end, gone, living, served, taken_up
from tests.support.scan import BIN, Scan, eventually

POWERLESS = ("setpriv", "--bounding-set=-kill")
OTHERS = '#!/bin/sh\necho "$0 $$" >>../starts\nexec setpriv --reuid=65534 sleep 1000\n'
LEFT = OTHERS.replace("exec setpriv", "setpriv").replace("1000", "1000 &") + "exec sleep 1000\n"


def _possible() -> bool:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return False
    done = subprocess.run([*POWERLESS, "setpriv", "--reuid=65534", "true"], capture_output=True)
    return done.returncode == 0


pytestmark = pytest.mark.skipif(
    not _possible(), reason="needs root, setpriv, and to be allowed to change the user"
)


def start(scan: Scan, name: str = "a") -> None:
    scan.launch(*POWERLESS, BIN / "svscan", scan.home)
    taken_up(scan, name)


def others(scan: Scan, pid: int) -> int:
    """The pid, as soon as it is the other user's."""
    eventually(lambda: is_others(pid), f"pid {pid} is another user's")
    return pid


def is_others(pid: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}").st_uid == 65534
    except FileNotFoundError:
        return False


def warning(pid: int) -> str:
    return f"unable to signal pid {pid}: permission denied"


@pytest.mark.parametrize("adopted", [False, True])
def test_it_is_said_once_and_the_service_goes_on(scan: Scan, adopted: bool) -> None:
    scan.add("a", OTHERS)
    scan.add("good")
    start(scan)
    pid = others(scan, scan.up("a"))
    scan.up("good")  # what is not executed yet has all FIFOs of a svscan that is killed
    if adopted:
        scan.kill()
        start(scan)
    scan.control("a", "t")
    assert warnings(scan, "a", 1) == [warning(pid)]
    scan.control("a", "tpch")
    served(scan, "a")
    assert line(scan, "unable to signal") == f"supervise: warning: a: {warning(pid)}"
    assert living(pid)
    end(pid)
    scan.up("a", beside=pid)
    assert warnings(scan, "a", 0) == []
    found = shown(scan.home / "a")
    assert (found["reason"], found["held"]) == (None, False)
    well(scan)


def test_svscan_ends_when_it_ends(scan: Scan) -> None:
    scan.add("a", OTHERS, timeout_kill="10\n", log__run="#!/bin/sh\nexec cat\n")
    scan.add("good")
    start(scan)
    pid, good, logger = others(scan, scan.up("a")), scan.up("good"), scan.up("a/log")
    scan.send(signal.SIGTERM)
    gone(good)
    assert line(scan, "unable to signal") == f"supervise: warning: a: {warning(pid)}"
    assert living(logger)
    end(pid)
    assert scan.stop() == 0
    assert not living(logger)


def test_a_finish(scan: Scan) -> None:
    """Which nobody can end, so it is waited for."""
    scan.add("a", finish=OTHERS, timeout_finish="500\n")
    start(scan)
    pid = scan.up("a")
    end(pid)
    finish = others(scan, scan.until("a", lambda found: found.helper_pid).helper_pid)
    assert line(scan, "unable to signal") == f"supervise: warning: a: {warning(finish)}"
    assert living(finish)
    end(finish)
    scan.up("a", beside=pid)
    assert warnings(scan, "a", 0) == []


def test_leftovers(scan: Scan) -> None:
    """As a finish."""
    scan.add("a", LEFT, leftovers="kill\n", timeout_kill="10\n")
    start(scan)
    pid = scan.up("a")
    (left,) = eventually(lambda: [one for one in scan.ours() if is_others(one)], "it is left")
    end(pid)
    scan.state("a", "leftovers")
    served(scan, "a")
    assert living(left)
    end(left)
    scan.up("a", beside=pid)
    assert lines(scan, "fault") == []
