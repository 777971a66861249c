"""What svscan makes of names that appear in, and vanish from, its scan directory."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.support.gate import end, gone, instances, living, replace_svscan, served, taken_up
from tests.support.probe import supervised
from tests.support.scan import SLEEPER, Scan, eventually, program


def running(scan: Scan) -> None:
    """svscan in its loop, with one service whose name comes last."""
    scan.add("zz")
    scan.start()
    served(scan, "zz")


def seen(scan: Scan) -> None:
    """Wait until svscan has seen all that happened before: names are seen in their order."""
    name = f"seen-{time.monotonic_ns()}"
    scan.add(name)
    taken_up(scan, name)


def refused(scan: Scan, name: str) -> str:
    try:
        return (scan.home / ".svscan/refused" / name).read_text()
    except FileNotFoundError:
        return ""


def fill(directory: Path, *files: str) -> None:
    for name in files:
        (program if name == "run" else Path.write_text)(
            directory / name, SLEEPER if name == "run" else ""
        )


# Links and renames


def test_a_link_is_picked_up_at_once(scan: Scan) -> None:
    running(scan)
    scan.service("a")
    linked = time.monotonic()
    scan.link("a")
    found = scan.until("a", lambda found: found.state == "up" and found.pid)
    assert found.started_at - linked < 0.5  # nothing is waited for: it takes milliseconds


def test_a_directory_that_is_renamed_into_place_is_complete(scan: Scan) -> None:
    running(scan)
    directory = scan.service("a")
    directory.rename(scan.home / "a")
    eventually((scan.home / "a/supervise/status").exists, "it is supervised")
    (scan.services / "a").symlink_to(scan.home / "a")
    scan.up("a")


@pytest.mark.parametrize("down", [True, False])
def test_a_directory_filled_in_place_waits_until_it_is_complete(scan: Scan, down: bool) -> None:
    """`cp -a` writes run first, down after it."""
    running(scan)
    original = scan.service("original")
    directory = scan.home / "a"
    directory.mkdir()
    shutil.copy2(original / "run", directory / "run")
    run_written = time.monotonic()
    if down:
        (directory / "down").touch()
    (scan.services / "a").symlink_to(directory)
    taken_up(scan, "a")
    found = scan.record("a")
    assert found is not None
    assert found.want == ("down" if down else "up")
    if down:
        assert not scan.starts()[1:]
    else:
        assert scan.until("a", lambda found: found.pid).started_at - run_written >= 0.5


def test_a_directory_without_run_is_not_tried_until_it_has_one(scan: Scan) -> None:
    running(scan)
    directory = scan.home / "a"
    directory.mkdir()
    (scan.services / "a").symlink_to(directory)
    seen(scan)
    assert not (directory / "supervise").exists()
    fill(directory, "finish", "run")
    scan.up("a")
    assert "unable to start a/run" not in scan.said()


def test_a_directory_that_never_gets_a_run_is_told_of(scan: Scan) -> None:
    """After a while it is tried all the same, so that somebody sees what is wrong."""
    running(scan)
    (scan.home / "a").mkdir()
    scan.says("unable to start a/run: file does not exist")


# Links that lead nowhere


def test_a_dangling_link_is_taken_when_its_target_appears(scan: Scan) -> None:
    running(scan)
    scan.link("a")
    scan.says("warning: unable to stat a: file does not exist")
    eventually(lambda: refused(scan, "a"), "it is shown as refused")
    directory = scan.service("b")
    directory.rename(scan.services / "a")
    scan.up("a")
    eventually(lambda: not refused(scan, "a"), "it is refused no more")


def test_a_dangling_link_through_directories_that_are_not_there(scan: Scan) -> None:
    running(scan)
    target = scan.services / "x/y/z"
    (scan.home / "a").symlink_to(target)
    scan.says("unable to stat a: file does not exist")
    (scan.services / "x").mkdir()
    seen(scan)
    (scan.services / "x/y").mkdir()
    seen(scan)
    directory = scan.service("b")
    directory.rename(target)
    (scan.services / "a").symlink_to(target)
    scan.up("a")


def test_a_dangling_link_is_said_once(scan: Scan) -> None:
    scan.link("a")
    running(scan)
    for _ in range(2):
        assert scan.svscan is not None
        scan.svscan.send_signal(signal.SIGHUP)
        seen(scan)
    assert scan.said().count("unable to stat a") == 1


def test_a_dangling_link_that_is_removed_is_forgotten(scan: Scan) -> None:
    running(scan)
    scan.link("a")
    eventually(lambda: refused(scan, "a"), "it is shown as refused")
    (scan.home / "a").unlink()
    eventually(lambda: not refused(scan, "a"), "it is not shown any more")
    scan.service("a")
    seen(scan)
    assert not instances(scan, "a")


def test_a_link_to_itself_is_refused(scan: Scan) -> None:
    running(scan)
    (scan.home / "a").symlink_to("a")
    scan.says("unable to stat a: symbolic link loop")
    eventually(lambda: refused(scan, "a"), "it is shown as refused")


# Names


def test_names_with_a_leading_dot_are_none_of_its_business(scan: Scan) -> None:
    scan.service("a")
    (scan.home / ".a").symlink_to(scan.services / "a")
    running(scan)
    (scan.home / ".b").symlink_to(scan.services / "a")
    (scan.home / ".c").symlink_to("nowhere")
    seen(scan)
    assert not (scan.services / "a/supervise").exists()
    assert scan.said() == ""


def test_a_plain_file_is_refused_by_name(scan: Scan) -> None:
    running(scan)
    (scan.home / "README").write_text("services\n")
    scan.says("warning: README is not a directory")
    assert eventually(lambda: refused(scan, "README"), "it is shown") == (
        "README is not a directory\n"
    )
    (scan.home / "README").unlink()
    eventually(lambda: not refused(scan, "README"), "it is not shown any more")


# Identity: the directory, not its name


def test_a_renamed_link_is_the_same_service(scan: Scan) -> None:
    running(scan)
    scan.add("a")
    pid = scan.up("a")
    (scan.home / "a").rename(scan.home / "b")
    seen(scan)
    assert scan.up("a") == pid
    assert living(pid)
    replace_svscan(scan, "a")
    assert scan.up("a") == pid
    assert instances(scan, "a") == [pid]


def test_a_second_link_to_the_same_directory_changes_nothing(scan: Scan) -> None:
    running(scan)
    scan.add("a")
    pid = scan.up("a")
    (scan.home / "b").symlink_to(scan.services / "a")
    seen(scan)
    assert instances(scan, "a") == [pid]
    (scan.home / "a").unlink()
    seen(scan)
    scan.control("a", "t")
    again = scan.up("a", beside=pid)
    assert instances(scan, "a") == [again]


def test_after_a_rename_it_is_taken_up_afresh_by_its_new_name(scan: Scan) -> None:
    running(scan)
    scan.add("a")
    pid = scan.up("a")
    (scan.home / "a").rename(scan.home / "b")
    seen(scan)
    scan.control("a", "dx")
    gone(pid)
    scan.up("a", beside=pid)


def test_a_removed_link_leaves_the_service_supervised(scan: Scan) -> None:
    running(scan)
    scan.add("a")
    first = scan.up("a")
    (scan.home / "a").unlink()
    seen(scan)
    end(first)
    second = scan.up("a", beside=first)
    scan.control("a", "dx")
    gone(second)
    eventually(lambda: not supervised(scan, "a"), "it is given up")
    seen(scan)
    assert not instances(scan, "a")
    scan.link("a")
    scan.up("a", beside=second)


# Directories that go while they are supervised


def test_a_service_directory_that_was_replaced(scan: Scan) -> None:
    """The old one is still supervised, and not started from the new one; the new one is taken."""
    running(scan)
    scan.add("a")
    old = scan.up("a")
    (scan.services / "a").rename(scan.services / "was-a")
    scan.service("a")
    (scan.home / "a").unlink()
    scan.link("a")
    new = scan.up("a")
    assert new != old
    assert living(old)
    end(old)
    scan.says("its directory was replaced by another one")
    assert instances(scan, "a") == [new]
    assert scan.stop() == 0
    assert not list(scan.ours())


def test_a_service_directory_that_was_removed(scan: Scan) -> None:
    running(scan)
    scan.add("a")
    pid = scan.up("a")
    shutil.rmtree(scan.services / "a")
    os.kill(pid, signal.SIGKILL)
    gone(pid)
    assert "unable to start" not in scan.said()
    scan.add("b")
    scan.up("b")
    assert scan.stop() == 0


def test_a_directory_that_moves_within_the_scan_directory(scan: Scan) -> None:
    """A directory of its own, no link: it goes on by its new name."""
    running(scan)
    scan.service("a").rename(scan.home / "a")
    eventually((scan.home / "a/supervise/status").exists, "it is supervised")
    (scan.services / "moved").symlink_to(scan.home / "b")
    (scan.home / "a").rename(scan.home / "b")
    first = scan.up("moved")
    seen(scan)
    scan.control("moved", "t")
    second = scan.up("moved", beside=first)
    assert not living(first)
    replace_svscan(scan, "moved")
    assert scan.up("moved") == second


# Looking again


def test_hup_looks_again(scan: Scan) -> None:
    """What was refused is tried at once."""
    running(scan)
    directory = scan.service("a")
    directory.chmod(0o777)
    scan.link("a")
    scan.says("a can be written by everybody")
    directory.chmod(0o755)
    assert scan.svscan is not None
    scan.svscan.send_signal(signal.SIGHUP)
    scan.up("a")
    eventually(lambda: not refused(scan, "a"), "it is refused no more")


def test_what_was_refused_is_tried_again_by_itself(scan: Scan) -> None:
    running(scan)
    directory = scan.service("a")
    directory.chmod(0o777)
    scan.link("a")
    scan.says("a can be written by everybody")
    directory.chmod(0o755)
    scan.up("a")
    assert scan.said().count("a can be written") == 1
