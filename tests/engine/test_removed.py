"""A service directory is removed while its service is supervised: nothing of it is kept."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.support.bad import descriptors, line, lines
from tests.support.gate import end, gone, living, served, works_in
from tests.support.probe import became
from tests.support.scan import SLEEPER, Scan, eventually, program
from tests.support.versions import Slow, upgrade

SAID = "svscan: warning: a: its directory was removed; supervised until it ends"
TO_THE_END = "#!/bin/sh\ncat >../../logged\necho end >>../../logged\n"


def begin(scan: Scan) -> int:
    """A svscan that has begun to watch and supervises nothing; how many descriptors it has."""
    scan.add("other")
    pid = scan.start().pid
    scan.up("other")
    served(scan, "other")
    return descriptors(pid)


def sleeps(scan: Scan, name: str) -> int:
    """The pid of one that needs nothing of its directory any more."""
    pid = scan.up(name)
    became(pid, "sleep")
    return pid


def ended(scan: Scan, before: int) -> None:
    """Nothing is left of it: no descriptor, no entry in the list."""
    assert scan.svscan is not None
    pid = scan.svscan.pid
    eventually(lambda: descriptors(pid) == before, lambda: f"{descriptors(pid)} are {before}")
    listed = scan.home / ".svscan/services"
    eventually(lambda: len(list(listed.iterdir())) == 1, lambda: str(list(listed.iterdir())))
    assert not lines(scan, "unable to start")
    assert not lines(scan, "supervisor fault")


def remove(scan: Scan) -> None:
    shutil.rmtree(scan.services / "a")
    assert line(scan, "a: its directory") == SAID


def test_it_goes_on_until_it_ends(scan: Scan) -> None:
    before = begin(scan)
    scan.add("a")
    pid = sleeps(scan, "a")
    remove(scan)
    assert living(pid)
    end(pid)
    ended(scan, before)


def test_it_was_down(scan: Scan) -> None:
    before = begin(scan)
    scan.add("a", down="")
    scan.state("a", "down")
    served(scan, "a")
    remove(scan)
    ended(scan, before)


def test_it_waits_for_its_next_start(scan: Scan) -> None:
    before = begin(scan)
    scan.add("a", "#!/bin/sh\nexit 1\n", backoff__initial="1000")
    scan.state("a", "waiting")
    remove(scan)
    ended(scan, before)


def test_it_lies_in_the_scan_directory_itself(scan: Scan) -> None:
    before = begin(scan)
    scan.service("a").rename(scan.home / "a")
    (scan.services / "a").symlink_to(scan.home / "a")
    pid = sleeps(scan, "a")
    shutil.rmtree(scan.home / "a")
    line(scan, "a: its directory")
    end(pid)
    ended(scan, before)


def test_its_logger_reads_to_the_end(scan: Scan) -> None:
    before = begin(scan)
    scan.add("a", "#!/bin/sh\necho last\nexec sleep 1000\n", log__run=TO_THE_END)
    pid, logger = sleeps(scan, "a"), scan.up("a/log")
    remove(scan)
    assert living(logger)
    end(pid)
    gone(logger)
    assert (scan.services / "logged").read_text() == "last\nend\n"
    ended(scan, before)


def test_it_was_moved_aside_and_removed_later(scan: Scan) -> None:
    """Nobody watches where it went; the next scan sees it."""
    before = begin(scan)
    scan.add("a")
    pid = sleeps(scan, "a")
    (scan.services / "a").rename(scan.services / "was-a")
    scan.says("unable to stat a: file does not exist")
    (scan.home / "a").unlink()
    shutil.rmtree(scan.services / "was-a")
    scan.send(signal.SIGHUP)
    assert line(scan, "a: its directory") == SAID
    end(pid)
    ended(scan, before)


def test_it_ends_under_a_newer_self(scan: Scan) -> None:
    before = begin(scan)
    scan.add("a", log__run=SLEEPER)
    pid, logger = sleeps(scan, "a"), scan.up("a/log")
    remove(scan)
    upgrade(scan)
    served(scan, "other")
    scan.send(signal.SIGHUP)
    end(pid)
    gone(logger)
    ended(scan, before)


def test_with_its_logger_it_ends_under_a_newer_self(scan: Scan) -> None:
    """Its name is not in the scan directory any more, to be looked at."""
    before = begin(scan)
    directory = scan.service("a", log__run=SLEEPER)
    directory.rename(scan.home / "a")
    directory.symlink_to(scan.home / "a")
    pid, logger = sleeps(scan, "a"), scan.up("a/log")
    shutil.rmtree(scan.home / "a")
    line(scan, "a: its directory")
    upgrade(scan)
    end(pid)
    gone(logger)
    ended(scan, before)


@pytest.mark.parametrize("what", ["supervise", "supervise/lock", "log"])
def test_a_part_of_it_is_not_all(scan: Scan, what: str) -> None:
    begin(scan)
    scan.add("a", log__run=SLEEPER)
    pid = sleeps(scan, "a")
    scan.up("a/log")
    part = scan.services / "a" / what
    (shutil.rmtree if part.is_dir() else Path.unlink)(part)
    scan.send(signal.SIGHUP)
    served(scan, "other")
    end(pid)
    eventually(lambda: successors(scan, pid), lambda: f"another one: {scan.said()}")
    assert not lines(scan, "its directory was removed")


def test_it_was_moved_aside_and_its_log_removed(scan: Scan) -> None:
    begin(scan)
    scan.add("a", log__run=SLEEPER)
    scan.up("a")
    pid = scan.up("a/log")
    (scan.services / "a").rename(scan.services / "was-a")
    shutil.rmtree(scan.services / "was-a/log")
    scan.says("unable to stat a: file does not exist")
    scan.send(signal.SIGHUP)
    served(scan, "other")
    scan.control("was-a", "d")
    assert scan.state("was-a", "down")
    assert living(pid)
    assert not lines(scan, "its directory was removed")


def successors(scan: Scan, pid: int) -> list[int]:
    """Of the instance with this pid, in the same directory."""
    place = scan.services / "a"
    return [one for one in scan.ours() if one != pid and works_in(one, place)]


def test_what_ended_at_once_is_not_written_to_any_more(scan: Scan) -> None:
    """Its directory was removed, and its last leftover ends during an upgrade."""
    slow = Slow(scan)
    before = begin(scan)
    scan.add("a", "#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n", leftovers="wait\n")
    pid = sleeps(scan, "a")
    eventually(lambda: len(list(scan.ours())) == 3, "its child is there")
    (left,) = set(scan.ours()) - {pid, scan.up("other")}
    end(pid)
    scan.state("a", "leftovers")
    remove(scan)
    with slow.upgrade():
        end(left)
    ended(scan, before)
    assert not lines(scan, "unable to write")


def test_nobody_watches(scan: Scan) -> None:
    scan.add("other")
    svscan = scan.launch(
        *("strace", "-D", "-qq", "-o", os.devnull),
        *("-e", "inject=inotify_init,inotify_init1:error=EMFILE"),
        *(scan.program, scan.home),
    )
    scan.up("other")
    served(scan, "other")
    before = descriptors(svscan.pid)
    (scan.home / "a").mkdir()
    (scan.services / "a").symlink_to(scan.home / "a")
    program(scan.home / "a/run", SLEEPER)
    scan.send(signal.SIGHUP)
    pid = sleeps(scan, "a")
    shutil.rmtree(scan.home / "a")
    scan.send(signal.SIGHUP)
    assert line(scan, "a: its directory") == SAID
    end(pid)
    ended(scan, before)
