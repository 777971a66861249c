"""What is moved, replaced, removed or covered while it is supervised."""

import fcntl
import os
import shutil
import signal
import subprocess

import pytest

from tests.support.bad import enter, inside, line, lines, reason, shown, well
from tests.support.gate import instances, only_instance, replace_svscan, served
from tests.support.probe import shows
from tests.support.scan import BIN, DEADLINE, Scan, eventually


def test_another_directory_in_its_place_is_not_written_to(scan: Scan) -> None:
    """Both have their own record, also when svscan is replaced."""
    path = scan.add("a")
    scan.start()
    first = scan.up("a")
    path.rename(scan.services / "old")
    scan.service("a")
    scan.send(signal.SIGHUP)
    second = scan.up("a", beside=first)
    os.kill(first, 9)
    scan.until("old", lambda found: found.deaths and not found.pid)
    line(scan, "unable to start a/run: its directory was replaced by another one")
    assert shown(scan.home / "a")["pid"] == second
    assert shown(scan.home / "a")["record_error"] is None
    assert len((scan.services / "old/supervise/status").read_bytes()) == 18
    replace_svscan(scan, "a")
    assert scan.up("a") == second
    assert instances(scan, "a") == [second]


def test_a_supervise_that_was_removed(scan: Scan) -> None:
    """Its service is still restarted, and one line tells that nothing can be recorded."""
    path = scan.add("a")
    scan.add("good")
    scan.start()
    pid = scan.up("a")
    eventually(lambda: len(scan.starts()) == 2, "both have started")
    shutil.rmtree(path / "supervise")
    os.kill(pid, 9)
    eventually(lambda: len(scan.starts()) == 3, "it is started again")
    said = "supervise: warning: a: unable to write a/supervise/state: file does not exist"
    assert line(scan, "a/supervise") == said
    assert "file does not exist" in reason(scan, "a")
    well(scan)
    assert not (path / "supervise").exists()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_that_was_removed(scan: Scan, replaced: bool) -> None:
    """There is one again with the next thing to be written, and it is held."""
    path = scan.add("a")
    scan.start()
    pid = scan.up("a")
    (path / "supervise/lock").unlink()
    if replaced:
        (path / "supervise/lock").touch()
    os.kill(pid, 9)
    scan.up("a", beside=pid)
    other = subprocess.run([BIN / "supervise", path], capture_output=True, timeout=DEADLINE)
    assert b"unable to acquire" in other.stderr
    assert scan.said() == ""
    replace_svscan(scan, "a")
    assert only_instance(scan, "a")


def test_a_lock_that_somebody_else_holds_now(scan: Scan) -> None:
    """Nothing more is written, and that is told."""
    path = scan.add("a")
    scan.start()
    pid = scan.up("a")
    shows(scan, "a", pid, b"u")
    before = (path / "supervise/status").read_bytes()
    (path / "supervise/lock").unlink()
    with (path / "supervise/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.kill(pid, 9)
        line(scan, "unable to acquire a/supervise/lock: temporary failure")
        assert (path / "supervise/status").read_bytes() == before


def test_a_service_directory_that_is_covered_by_a_mount(scan: Scan) -> None:
    """What is below goes on, what lies above is a service of its own."""
    scan.add("a")
    scan.add("good")
    inside(scan, "true")
    first = scan.up("a")
    enter(
        scan,
        "mkdir $S/b; cp $S/a/run $S/b/; mount --bind $S/b $S/a",
    )
    scan.send(signal.SIGHUP)
    second = scan.up("a", beside=first)
    os.kill(first, 9)
    line(scan, "unable to start a/run: its directory was replaced by another one")
    assert shown(scan.services / "a")["pid"] == second
    enter(scan, "umount -l $S/a")
    well(scan)


def test_a_scan_directory_that_is_covered_by_a_mount(scan: Scan) -> None:
    """The kernel does not tell of it: HUP lets svscan look."""
    scan.add("a")
    inside(scan, "true")
    pid = scan.up("a")
    enter(scan, "mkdir $S/other; mount -t tmpfs -o mode=755 none $H; ln -s $S/a $H/a")
    scan.send(signal.SIGHUP)
    line(scan, "was removed or replaced; what is supervised goes on")
    served(scan, "a")
    assert scan.up("a") == pid
    os.kill(pid, 9)
    scan.up("a", beside=pid)
    assert lines(scan, "fault") == []
