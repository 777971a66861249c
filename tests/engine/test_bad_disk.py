"""A file system that is full, or read-only, before or while services run."""

import os
import signal

import pytest

from tests.support.bad import enter, inside, line, lines, reason, replace_inside, shown, well
from tests.support.gate import gone, served
from tests.support.probe import shows
from tests.support.scan import Scan, eventually


def test_a_read_only_directory(scan: Scan) -> None:
    """Refused by name; with supervise/ on another file system it works."""
    for name in ("good", "made", "unmade", "elsewhere"):
        scan.add(name)
    (scan.services / "made/supervise").mkdir(0o700)
    (scan.services / "tmpfs").mkdir(0o700)
    (scan.services / "elsewhere/supervise").symlink_to(scan.services / "tmpfs")
    inside(
        scan,
        "for i in made unmade elsewhere; do"
        " mount --bind $S/$i $S/$i; mount -o remount,bind,ro $S/$i; done",
    )
    said = "unable to create unmade/supervise: read-only file system"
    assert line(scan, "unmade") == f"svscan: warning: {said}"
    assert reason(scan, "unmade") == said
    said = "unable to acquire made/supervise/lock: read-only file system"
    assert line(scan, " made") == f"svscan: warning: {said}"
    assert reason(scan, "made") == said
    scan.up("elsewhere")
    well(scan)


def test_a_read_only_scan_directory(scan: Scan) -> None:
    scan.add("good")
    scan.link("dangling")
    inside(scan, "mount --bind $H $H; mount -o remount,bind,ro $H")
    line(scan, "svscan: warning: unable to write .svscan: read-only file system")
    well(scan)


FULL = """
mkdir $S/disk
mount -t tmpfs -o size=64k,mode=755 none $S/disk
mkdir $S/disk/a
cp $S/good/run $S/disk/a/
ln -s $S/disk/a $H/a
"""
FILL = "head -c 200000 /dev/zero >$S/disk/fill 2>/dev/null || :"


def test_a_disk_that_is_full_before_the_first_start(scan: Scan) -> None:
    scan.add("good")
    inside(scan, FULL + FILL)
    said = "unable to write a/supervise/state: out of disk space"
    assert line(scan, "a/supervise") == f"svscan: warning: {said}"
    assert reason(scan, "a") == said
    well(scan)
    enter(scan, "rm $S/disk/fill")
    scan.send(signal.SIGHUP)
    scan.up("disk/a")


@pytest.mark.parametrize("inodes", [False, True])
def test_a_disk_that_fills_up_while_it_runs(scan: Scan, inodes: bool) -> None:
    """Status and record are overwritten in place, and say what is true."""
    scan.add("good")
    inside(scan, FULL)
    pid = scan.up("disk/a")
    if inodes:
        enter(scan, "mount -o remount,nr_inodes=11 $S/disk; touch $S/disk/1 $S/disk/2 2>&1 || :")
    enter(scan, FILL)
    for _ in range(3):
        scan.control("disk/a", "t")
        pid = scan.up("disk/a", beside=pid)
        shows(scan, "disk/a", pid, b"u")
    scan.control("disk/a", "d")
    shows(scan, "disk/a", 0, b"d")
    assert lines(scan, "disk/a") == lines(scan, "unable") == []
    scan.control("disk/a", "u")
    scan.up("disk/a")


def test_a_scan_directory_on_a_full_disk(scan: Scan) -> None:
    scan.add("good")
    inside(
        scan,
        "mount -t tmpfs -o nr_inodes=3,mode=755 none $H; ln -s $S/good $H/good; ln -s /x $H/y",
    )
    line(scan, "svscan: warning: unable to write .svscan: out of disk space")
    well(scan)


LOGGED = FULL + "mkdir $S/disk/a/log; echo '#!/bin/sh' >$S/disk/a/log/run\n"
LOGGED += "echo 'exec cat >>../../../log' >>$S/disk/a/log/run; chmod +x $S/disk/a/log/run\n"


def test_svscan_is_replaced_on_a_full_disk(scan: Scan) -> None:
    """Logger and service are gone on with; what dies meanwhile is started again."""
    scan.add("good")
    inside(scan, LOGGED)
    pid, logger, good = scan.up("disk/a"), scan.up("disk/a/log"), scan.up("good")
    enter(scan, FILL)
    scan.control("disk/a", "d")
    shows(scan, "disk/a", 0, b"d")
    scan.control("disk/a", "u")
    pid = scan.up("disk/a", beside=pid)
    replace_inside(scan, "disk/a", "disk/a/log", "good")
    assert (scan.up("disk/a"), scan.up("disk/a/log"), scan.up("good")) == (pid, logger, good)
    shows(scan, "disk/a", pid, b"u")
    os.kill(pid, 9)
    pid = scan.up("disk/a", beside=pid)
    shows(scan, "disk/a", pid, b"u")
    assert lines(scan, "unable") == lines(scan, "fatal") == []


def test_a_new_service_on_a_full_disk(scan: Scan) -> None:
    """Refused by name, with its logger; the old ones go on; taken up when there is room."""
    scan.add("good")
    inside(
        scan,
        FULL
        + "mkdir -p $S/disk/b/log; cp $S/disk/a/run $S/disk/b/; cp $S/disk/a/run $S/disk/b/log/",
    )
    scan.up("disk/a")
    enter(scan, FILL + "; ln -s $S/disk/b $H/b")
    said = "unable to write b/supervise/state: out of disk space"
    assert line(scan, "b/supervise") == f"svscan: warning: {said}"
    assert reason(scan, "b") == said
    well(scan)
    well(scan, "disk/a")
    assert not shown(scan.services / "disk/b")["supervised"]
    enter(scan, "rm $S/disk/fill")
    scan.send(signal.SIGHUP)
    scan.up("disk/b")
    scan.up("disk/b/log")
    assert shown(scan.services / "disk/b")["supervised"]
    assert not (scan.home / ".svscan/refused/b").exists()


# supervise/ alone


def test_a_read_only_supervise(scan: Scan) -> None:
    """Mounted over with itself: refused by name, taken up when it can be written."""
    scan.add("good")
    path = scan.add("bad")
    (path / "supervise").mkdir(0o700)
    inside(
        scan,
        "mount --bind $S/bad/supervise $S/bad/supervise; mount -o remount,bind,ro $S/bad/supervise",
    )
    said = "unable to acquire bad/supervise/lock: read-only file system"
    assert line(scan, " bad") == f"svscan: warning: {said}"
    assert reason(scan, "bad") == said
    well(scan)
    enter(scan, "umount $S/bad/supervise")
    scan.send(signal.SIGHUP)
    scan.up("bad")


def test_a_supervise_that_becomes_read_only(scan: Scan) -> None:
    """Its service is restarted and taken down as ever; one line tells that nothing is recorded, and
    svstat that what it shows may be old. It is recorded again when it can be."""
    scan.add("good")
    scan.add("a", "#!/bin/sh\necho $$ >>../pids\nexec sleep 1000\n")
    inside(scan, "true")

    def pid_of_start(number: int) -> int:
        pids = scan.services / "pids"
        return eventually(lambda: [int(word) for word in pids.read_text().split()][number:], "it")[
            0
        ]

    scan.up("a")
    served(scan, "a")
    path = "$S/a/supervise"
    enter(scan, f"mount --bind {path} {path}; mount -o remount,bind,ro {path}")
    os.kill(pid_of_start(0), 9)
    second = pid_of_start(1)
    said = "supervise: warning: a: unable to write a/supervise/state: read-only file system"
    assert line(scan, "unable to write") == said
    assert "read-only file system" in shown(scan.services / "a")["record_error"]
    scan.control("a", "d")
    gone(second)
    scan.control("a", "u")
    third = pid_of_start(2)
    well(scan)
    enter(scan, f"umount {path}")
    scan.control("a", "p")
    assert scan.until("a", lambda found: found.paused).pid == third
    assert lines(scan, "a/supervise") == [said, said]  # once more after `u`
    assert shown(scan.services / "a")["record_error"] is None
