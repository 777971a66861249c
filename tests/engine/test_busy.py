"""A lock that another supervisor holds: waited for in silence, and taken when it is free."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gate import taken_up
from tests.support.heritage import Debian, classic_up
from tests.support.probe import wakeups
from tests.support.scan import BIN, DEADLINE, Scan, eventually
from tests.support.trace import strace

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

LONGER = 2.5
"""Seconds: longer than it ever waits between two tries."""

FEW = 60
"""Times that it is woken at the most when something happens to a lock. Nine tries are made."""

BUSY = "a/supervise/lock: temporary failure, waiting for it"


def rests(pid: int) -> None:
    """Wait until it sleeps, and nothing but what others do will wake it."""
    known, since = wakeups(pid), time.monotonic()

    def look() -> bool:
        nonlocal known, since
        found = wakeups(pid)
        if found != known:
            known, since = found, time.monotonic()
        return time.monotonic() > since + LONGER

    eventually(look, "it sleeps")


def names(pid: int) -> Counter[str]:
    """What it has open."""
    found: Counter[str] = Counter()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[os.readlink(f"/proc/{pid}/fd/{fd}")] += 1
    return found


def watches(pid: int) -> int:
    """How many things it watches."""
    found = ""
    for path in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += path.read_text()
    return found.count("inotify wd:")


class Holder:
    """Another supervisor of a service, as far as its lock tells."""

    def __init__(self, directory: Path) -> None:
        (directory / "supervise").mkdir(mode=0o700, exist_ok=True)
        self.path = directory / "supervise/lock"
        self._file = self.path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def end(self) -> None:
        self._file.close()


def begin(scan: Scan) -> int:
    """The pid of a svscan that has a service `good`, and knows what to do with others."""
    scan.add("good")
    pid = scan.start().pid
    scan.up("good")
    rests(pid)
    return pid


def busy(scan: Scan, name: str = "a") -> Holder:
    """A service that svscan waits for, and sleeps."""
    holder = Holder(scan.service(name))
    scan.link(name)
    scan.says(BUSY)
    assert scan.svscan is not None
    rests(scan.svscan.pid)
    return holder


def test_it_sleeps_while_another_holds_the_lock_of_a_service(scan: Scan) -> None:
    pid = begin(scan)
    before = names(pid), watches(pid)
    holder = busy(scan)
    assert wakeups(pid) < FEW * 2
    holder.end()
    scan.up("a")
    taken_up(scan, "a")
    assert names(pid)[str(holder.path)] == 1
    (scan.home / "a").unlink()
    scan.control("a", "dx")
    eventually(lambda: (names(pid), watches(pid)) == before, lambda: f"{before}: {names(pid)}")
    assert scan.said().count("waiting for it") == 1


def test_it_sleeps_while_supervise_of_daemontools_has_a_service(scan: Scan, debian: Debian) -> None:
    pid = begin(scan)
    directory = scan.service("a")
    other = debian(directory)
    classic_up(directory)
    scan.link("a")
    scan.says(BUSY)
    rests(pid)
    other.kill()
    other.wait(DEADLINE)
    scan.up("a")
    taken_up(scan, "a")


def test_what_only_seems_to_be_free_costs_a_few_tries(scan: Scan) -> None:
    pid = begin(scan)
    holder = busy(scan)
    for _ in range(2):
        before = wakeups(pid)
        holder.path.open("ab").close()
        eventually(lambda known=before: wakeups(pid) > known, "it has tried")
        rests(pid)
        assert wakeups(pid) < before + FEW
    holder.end()
    scan.up("a")


def test_one_that_is_no_longer_wanted_is_let_go_of(scan: Scan) -> None:
    pid = begin(scan)
    before = names(pid), watches(pid)
    holder = busy(scan)
    (scan.home / "a").unlink()
    eventually(lambda: (names(pid), watches(pid)) == before, lambda: f"{before}: {names(pid)}")
    holder.end()


def test_a_link_that_leads_to_another_busy_one_now(scan: Scan) -> None:
    pid = begin(scan)
    first = busy(scan)
    second = Holder(scan.service("b"))
    (scan.home / ".a").symlink_to(scan.services / "b")
    (scan.home / ".a").rename(scan.home / "a")
    rests(pid)
    second.end()
    scan.up("b")
    assert names(pid)[str(first.path)] == 0
    first.end()


def test_the_lock_of_a_logger(scan: Scan) -> None:
    """Its service's, which is waited for first, is ours by then."""
    pid = begin(scan)
    directory = scan.service("a", log__run="#!/bin/sh\nexec cat >/dev/null\n")
    main, log = Holder(directory), Holder(directory / "log")
    scan.link("a")
    scan.says("unable to acquire a/supervise/lock: temporary failure, waiting for it")
    rests(pid)
    main.end()
    scan.up("a")
    scan.says("unable to acquire a/log/supervise/lock: temporary failure, waiting for it")
    rests(pid)
    log.end()
    scan.up("a/log")


def test_a_lock_that_was_replaced(scan: Scan) -> None:
    """As long as the holder of the one that was removed lives, it supervises the service."""
    pid = begin(scan)
    first = busy(scan)
    first.path.unlink()
    second = Holder(scan.services / "a")
    first.end()
    rests(pid)
    assert scan.record("a") is None
    second.end()
    scan.up("a")
    taken_up(scan, "a")
    assert names(pid)[str(first.path)] == 1


@pytest.fixture
def another(short_path: Path, scan: Scan) -> Iterator[Scan]:
    """A scan directory with a link to the service `a` of the first one."""
    (short_path / "another").mkdir()
    found = Scan(short_path / "another")
    (found.home / "a").symlink_to(scan.services / "a")
    yield found
    found.close()


def test_of_two_that_wait_one_is_quicker_and_the_other_waits_on(scan: Scan, another: Scan) -> None:
    begin(scan)
    holder = busy(scan)
    other = another.start()
    another.says(BUSY)
    rests(other.pid)
    holder.end()
    pid = scan.up("a")
    taken_up(scan, "a")
    assert scan.svscan is not None
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    quicker, slower = (scan.svscan, other) if parent == scan.svscan.pid else (other, scan.svscan)
    rests(slower.pid)
    quicker.kill()
    quicker.wait(DEADLINE)
    eventually(lambda: names(slower.pid)[str(holder.path)] == 1, "the other one has it")
    scan.control("a", "t")
    scan.up("a", beside=pid)
    slower.send_signal(signal.SIGTERM)
    assert slower.wait(DEADLINE) == 0


@needs_strace
def test_without_a_descriptor_it_tries_until_it_has_one(scan: Scan) -> None:
    begin(scan)
    lock = str(scan.home / "a/supervise/lock")
    fault = "inject=openat:error=EMFILE:when=1..12"
    with strace(scan, "-o", os.devnull, "-e", "trace=openat", "-P", lock, "-e", fault):
        holder = busy(scan)
        holder.end()
        scan.up("a")


# The scan directory's


def second(scan: Scan, *words: str) -> "subprocess.Popen[bytes]":
    """Another svscan, which waits."""
    with scan.messages.open("ab") as err:
        other = subprocess.Popen([*words, BIN / "svscan", scan.home], stderr=err)
    scan.says(f"another svscan has {scan.home}, waiting for it to end")
    return other


def replaced_by(scan: Scan, other: "subprocess.Popen[bytes]") -> None:
    """The first one ends, and the other one goes on."""
    scan.kill()
    scan.svscan = other
    taken_up(scan, "good")


def test_a_second_svscan_sleeps_until_the_first_one_ends(scan: Scan) -> None:
    begin(scan)
    other = second(scan)
    rests(other.pid)
    assert names(other.pid)[str(scan.home)] == 1
    replaced_by(scan, other)
    rests(other.pid)
    assert names(other.pid)[str(scan.home)] == 1
    assert scan.said().count("another svscan") == 1
    assert scan.stop() == 0


def test_a_scan_directory_that_the_first_one_has_changed_for_a_new_one(scan: Scan) -> None:
    first = begin(scan)
    other = second(scan)
    rests(other.pid)
    new = scan.home.with_name("new")
    new.mkdir()
    (new / "good").symlink_to(scan.services / "good")
    scan.home.rename(scan.home.with_name("old"))
    new.rename(scan.home)
    eventually(lambda: names(first)[str(scan.home)] == 1, "it has the new one")
    rests(other.pid)
    replaced_by(scan, other)
    assert "fault" not in scan.said()
    assert scan.stop() == 0


def test_a_scan_directory_that_was_away_and_is_back(scan: Scan) -> None:
    pid = begin(scan)
    scan.home.rename(scan.home.with_name("old"))
    scan.says("was removed or replaced")
    scan.home.with_name("old").rename(scan.home)
    scan.add("a")
    scan.up("a")
    assert names(pid)[str(scan.home)] == 1
    other = second(scan)
    assert scan.said().count("another svscan") == 1
    other.kill()
    other.wait()


@needs_strace
def test_without_inotify_it_tries_for_ever(scan: Scan, tmp_path: Path) -> None:
    begin(scan)
    trace = tmp_path / "trace"
    none = "inject=inotify_init,inotify_init1:error=EMFILE"
    options = ("-D", "-qq", "-o", str(trace), "-e", "trace=flock,inotify_init,inotify_init1")
    other = second(scan, "strace", *options, "-e", none)
    eventually(lambda: trace.read_text().count("flock(") > 11, "it tries on")
    replaced_by(scan, other)
    assert scan.stop() == 0
