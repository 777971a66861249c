"""`director observe` of a service directory that is replaced: what is in its place is observed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervise.director import journal
from tests.support.gate import end, served
from tests.support.scan import DEADLINE, Scan, eventually

PATIENT = """
from supervise.commands import director, following
following._TRIES = -1
director.main()
"""
"""A `director` that never looks again by itself: it only does when it is told."""


@pytest.fixture
def directory(scan: Scan) -> Iterator[Path]:
    """A link in the scan directory, as it is observed: a first death was noted."""
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    link = scan.home / "a"
    with subprocess.Popen([sys.executable, "-c", PATIENT, "observe", link]) as observer:
        try:
            eventually(lambda: waits(observer.pid), "it observes")
            end(pid)
            noted(link)
            scan.up("a", beside=pid)
            served(scan, "a")
            eventually(lambda: waits(observer.pid), "it has seen all of that")
            yield link
            assert observer.poll() is None
        finally:
            observer.kill()
            observer.wait(DEADLINE)


def waits(pid: int) -> bool:
    """Whether it has a watch, and is asleep."""
    fds = Path(f"/proc/{pid}/fd")
    try:
        watching = any(os.readlink(fd) == "anon_inode:inotify" for fd in fds.iterdir())
        return watching and "poll" in Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return False


def noted(directory: Path) -> None:
    """Wait until a death is."""
    eventually(
        lambda: any("death" in one for one in journal.read(str(directory))),
        lambda: f"a death: {journal.read(str(directory))}",
    )


def test_the_link_leads_elsewhere(scan: Scan, directory: Path) -> None:
    scan.service("b")
    new = scan.home / ".new"
    new.symlink_to(scan.services / "b")
    new.rename(directory)
    end(scan.up("b"))
    noted(directory)


def test_the_directory_was_removed_and_made_again(scan: Scan, directory: Path) -> None:
    pid = scan.up("a")
    shutil.rmtree(scan.services / "a")
    end(pid)
    directory.unlink()
    scan.add("a")
    end(scan.up("a"))
    noted(directory)
