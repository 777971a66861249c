"""What happens behind the links of the scan directory, of which it tells nothing itself."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.bad import line, lines, shown
from tests.support.gate import end, instances, living, served
from tests.support.scan import SLEEPER, Scan, eventually, program
from tests.support.versions import upgrade

Replace = Callable[[Scan], object]


def running(scan: Scan, *names: str) -> list[int]:
    """A svscan that has begun to watch, with these services: it reads letters only after that."""
    for name in names:
        scan.add(name)
    scan.start()
    pids = [scan.up(name) for name in names]
    for name in names:
        served(scan, name)
    return pids


def watches(scan: Scan) -> int:
    """Of inotify, as /proc tells of them."""
    assert scan.svscan is not None
    found = Path(f"/proc/{scan.svscan.pid}")
    for fd in (found / "fd").iterdir():
        if os.readlink(fd) == "anon_inode:inotify":
            text = (found / "fdinfo" / fd.name).read_text()
            return sum(line.startswith("inotify ") for line in text.splitlines())
    return 0


def moved(scan: Scan) -> None:
    new = scan.service("new")
    (scan.services / "a").rename(scan.services / "was-a")
    new.rename(scan.services / "a")


def moved_and_filled(scan: Scan) -> None:
    (scan.services / "a").rename(scan.services / "was-a")
    scan.service("a")


def removed(scan: Scan) -> None:
    shutil.rmtree(scan.services / "a")
    scan.service("a")


REPLACE = [moved, moved_and_filled, removed]


# Replaced


@pytest.mark.parametrize("replace", REPLACE)
def test_a_directory_is_replaced_while_its_service_runs(scan: Scan, replace: Replace) -> None:
    """The new one is taken up; the old one goes on, and does not disturb it when it ends."""
    (old,) = running(scan, "a")
    replace(scan)
    new = scan.up("a", beside=old)
    assert living(old)
    end(old)
    assert shown(scan.home / "a")["pid"] == new
    scan.control("a", "t")
    newer = scan.up("a", beside=new)
    assert instances(scan, "a") == [newer]
    assert not lines(scan, "supervisor fault")


@pytest.mark.parametrize("replace", REPLACE)
def test_a_directory_is_replaced_when_its_service_is_dead(scan: Scan, replace: Replace) -> None:
    """It cannot be started again from what was removed, and that does not hold up the new one."""
    (old,) = running(scan, "a")
    program(scan.services / "a/run", "#!/bin/sh\nexit 1\n")
    end(old)
    scan.until("a", lambda found: found.failures and not found.pid)
    replace(scan)
    new = scan.up("a", beside=old)
    assert instances(scan, "a") == [new]


def test_a_directory_that_is_filled_there_is_taken_when_it_is_complete(scan: Scan) -> None:
    """Whether there is a logger is decided once, and what fills it may write log/ late."""
    running(scan, "a")
    directory = scan.services / "a"
    shutil.rmtree(directory)
    directory.mkdir()
    scan.add("seen")
    scan.up("seen")  # so svscan has seen the empty one, too
    (directory / "log").mkdir()
    program(directory / "log/run", SLEEPER)
    (directory / "down").touch()
    program(directory / "run", SLEEPER)
    scan.up("a/log")
    assert scan.until("a", lambda found: found.want == "down")
    assert not lines(scan, "unable to start")


def releases(scan: Scan) -> Path:
    """What is switched from one release to the other; two links lead through it."""
    for number in (1, 2):
        release = scan.services / f"rel{number}"
        for name in ("a", "b"):
            directory = release / name
            directory.mkdir(parents=True)
            program(directory / "run", SLEEPER)
    current = scan.services / "cur"
    current.symlink_to("rel1")
    for name in ("a", "b"):
        (scan.home / name).symlink_to(current / name)
    return current


def switch(current: Path, target: str) -> None:
    new = current.with_name("cur.new")
    new.symlink_to(target)
    new.rename(current)


def test_a_link_on_the_way_is_switched(scan: Scan) -> None:
    """And there and back again: what still runs there is the same."""
    current = releases(scan)
    scan.start()
    first = [scan.up(f"rel1/{name}") for name in ("a", "b")]
    served(scan, "rel1/b")
    switch(current, "rel2")
    second = [scan.up(f"rel2/{name}") for name in ("a", "b")]
    assert all(map(living, first))
    assert shown(scan.home / "a")["pid"] == second[0]
    (scan.services / "rel1/a").rename(scan.services / "rel1/old")
    (scan.services / "rel2/a").rename(scan.services / "rel2/old")
    scan.says("unable to stat a: file does not exist")
    (scan.services / "rel2/old").rename(scan.services / "rel2/a")
    switch(current, "rel1")
    (scan.services / "rel1/old").rename(scan.services / "rel1/a")
    for number, pids in ((1, first), (2, second)):
        assert [scan.up(f"rel{number}/{name}") for name in ("a", "b")] == pids


def test_a_link_is_switched_to_where_nothing_is_and_on(scan: Scan) -> None:
    current = releases(scan)
    scan.start()
    served(scan, "rel1/b")
    switch(current, "rel3")
    scan.says("unable to stat a: file does not exist")
    scan.says("unable to stat b: file does not exist")
    switch(current, "rel2")
    for name in ("a", "b"):
        scan.up(f"rel2/{name}")


def test_the_directory_of_all_is_replaced(scan: Scan) -> None:
    a, b = running(scan, "a", "b")
    scan.services.rename(scan.services.with_name("old"))
    scan.says("unable to stat b: file does not exist")
    scan.services.mkdir()
    for name, old in (("a", a), ("b", b)):
        scan.service(name)
        scan.up(name, beside=old)


# Removed


def test_a_directory_is_removed_and_comes_back(scan: Scan) -> None:
    (old,) = running(scan, "a")
    shutil.rmtree(scan.services / "a")
    assert line(scan, "a: file") == "svscan: warning: unable to stat a: file does not exist"
    refused = scan.home / ".svscan/refused/a"
    eventually(refused.exists, "it is shown as refused")
    scan.service("a")
    scan.up("a", beside=old)
    eventually(lambda: not refused.exists(), "it is refused no more")
    assert watches(scan) == 3  # nothing is left of what waited for it
    listed = {(scan.services / "a").stat().st_ino, inode_of(old)}
    services = scan.home / ".svscan/services"
    eventually(lambda: inodes(services) == listed, lambda: f"{inodes(services)} are {listed}")


def inode_of(pid: int) -> int:
    return os.stat(f"/proc/{pid}/cwd").st_ino


def inodes(services: Path) -> set[int]:
    return {int(path.name.partition("-")[2]) for path in services.iterdir()}


# What is watched


def test_many_links_into_one_directory_are_one_watch(scan: Scan) -> None:
    running(scan, *"abcdefgh")
    assert watches(scan) == 3  # the scan directory, the one above it, and services/


def test_what_is_watched_for_a_link_is_gone_with_it(scan: Scan) -> None:
    running(scan, "a")
    before = watches(scan)
    other = scan.home.parent / "other"
    other.mkdir()
    for name in ("b", "c"):
        scan.service(name).rename(other / name)
        (scan.services / name).symlink_to(other / name)
        (scan.home / name).symlink_to(other / name)
        scan.up(name)
        eventually(lambda: watches(scan) == before + 1, lambda: f"{before} + 1: {watches(scan)}")
    (scan.home / "b").unlink()
    (scan.home / "c").rename(scan.home / "d")
    scan.add("e")
    scan.up("e")
    assert watches(scan) == before + 1
    (scan.home / "d").unlink()
    eventually(lambda: watches(scan) == before, lambda: f"{before}: {watches(scan)}")


def test_a_link_that_now_leads_elsewhere_is_watched_there_only(scan: Scan) -> None:
    (old,) = running(scan, "a")
    other = scan.home.parent / "other"
    other.mkdir()
    scan.service("b").rename(other / "a")
    new = scan.home / ".new"
    new.symlink_to(other / "a")
    new.rename(scan.home / "a")
    (scan.services / "b").symlink_to(other / "a")
    scan.up("b")
    eventually(lambda: watches(scan) == 3, lambda: f"3: {watches(scan)}")
    (other / "a").rename(other / "b")
    scan.says("unable to stat a: file does not exist")
    assert living(old)


def test_hup_leaves_as_many_watches(scan: Scan) -> None:
    (old,) = running(scan, "a")
    for _ in range(3):
        scan.send(signal.SIGHUP)
        served(scan, "a")
    assert watches(scan) == 3
    moved(scan)
    scan.up("a", beside=old)
    assert watches(scan) == 3


@pytest.mark.parametrize("replace", REPLACE)
def test_after_an_upgrade_in_place(scan: Scan, replace: Replace) -> None:
    (old,) = running(scan, "a")
    upgrade(scan)
    served(scan, "a")
    replace(scan)
    new = scan.up("a", beside=old)
    upgrade(scan, 2)
    served(scan, "a")
    assert scan.up("a") == new
    assert living(old)
    assert not lines(scan, "supervisor fault")
