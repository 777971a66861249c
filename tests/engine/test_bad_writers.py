"""Directories that others can write: by everybody is refused, by some is named once."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.bad import line, lines, reason, shown, well
from tests.support.gate import replace_svscan, served
from tests.support.scan import BIN, DEADLINE, Scan, eventually

LOGGER = "#!/bin/sh\nexec cat >/dev/null\n"
EVERYBODY = "can be written by everybody: chmod o-w"
OTHERS = "can be written by others than root"


def _somebodys(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("gives directories to somebody else")
    os.chown(path, 1234, 1234)


SOME: dict[str, Callable[[Path], object]] = {
    "group": lambda path: path.chmod(0o775),
    "owner": _somebodys,
}


def test_a_logger_that_everybody_can_write(scan: Scan) -> None:
    """The service runs, and what it writes waits until the logger may be trusted."""
    scan.add("good")
    path = scan.add("bad", "#!/bin/sh\necho hello\nexec sleep 1000\n", log__run=LOGGER)
    (path / "log").chmod(0o777)
    (path / "log/run").write_text("#!/bin/sh\nexec cat >../../read\n")
    svscan = scan.start()
    assert line(scan, "bad/log") == f"svscan: warning: bad/log {EVERYBODY}"
    assert reason(scan, "bad/log") == f"bad/log {EVERYBODY}"
    assert not (path / "log/supervise").exists()
    scan.up("bad")
    assert shown(scan.home / "bad")["reason"] is None
    well(scan)
    (path / "log").chmod(0o755)
    svscan.send_signal(1)
    scan.up("bad/log")
    read = scan.services / "read"
    eventually(lambda: read.exists() and read.read_text() == "hello\n", "what was written before")


@pytest.mark.parametrize("kind", SOME)
def test_a_logger_that_some_can_write(scan: Scan, kind: str) -> None:
    path = scan.add("a", log__run=LOGGER)
    SOME[kind](path / "log")
    svscan = scan.start()
    scan.up("a/log")
    assert line(scan, "a/log") == f"svscan: warning: a/log {OTHERS}"
    scan.control("a/log", "dx")
    svscan.send_signal(1)
    scan.until("a/log", lambda found: found.starts == 2 and found.state == "up")
    assert len(lines(scan, OTHERS)) == 1
    replace_svscan(scan, "a", "a/log")
    assert len(lines(scan, OTHERS)) == 2


@pytest.mark.parametrize("kind", SOME)
def test_a_scan_directory_that_some_can_write(scan: Scan, kind: str) -> None:
    scan.add("a")
    SOME[kind](scan.home)
    svscan = scan.start()
    served(scan, "a")
    svscan.send_signal(1)
    served(scan, "a")
    assert line(scan, OTHERS) == f"svscan: warning: {scan.home} {OTHERS}"


def supervise(scan: Scan, path: Path) -> "subprocess.Popen[bytes]":
    with scan.messages.open("ab") as err:
        scan.svscan = subprocess.Popen([BIN / "supervise", path], stderr=err)
    return scan.svscan


def test_a_lone_one_that_everybody_can_write(scan: Scan) -> None:
    path = scan.service("a")
    path.chmod(0o757)
    assert supervise(scan, path).wait(DEADLINE) == 111
    assert scan.said() == f"supervise: fatal: {path} {EVERYBODY}\n"
    assert not (path / "supervise").exists()


@pytest.mark.parametrize("kind", SOME)
def test_a_lone_one_that_some_can_write(scan: Scan, kind: str) -> None:
    path = scan.service("a")
    SOME[kind](path)
    supervise(scan, path)
    scan.up("a")
    served(scan, "a")
    assert scan.said() == f"supervise: warning: {path} {OTHERS}\n"
