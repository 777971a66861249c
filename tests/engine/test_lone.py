"""`supervise DIR`: one service under the same engine."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.gate import end, gone, living
from tests.support.probe import became, supervised
from tests.support.scan import BIN, DEADLINE, Scan, eventually


def lone(scan: Scan, name: str = "a") -> "subprocess.Popen[bytes]":
    """In place of svscan, so that the fixture ends it."""
    with scan.messages.open("ab") as err:
        scan.svscan = subprocess.Popen(
            [BIN / "supervise", scan.services / name], stdin=subprocess.DEVNULL, stderr=err
        )
    return scan.svscan


def test_it_starts_and_restarts(scan: Scan) -> None:
    scan.service("a")
    lone(scan)
    first = scan.up("a")
    end(first)
    scan.up("a", beside=first)


def test_it_follows_the_down_file(scan: Scan) -> None:
    scan.service("a", down="")
    lone(scan)
    eventually(lambda: supervised(scan, "a"), "it answers")
    found = scan.record("a")
    assert found is not None
    assert (found.state, found.want, found.starts) == ("down", "down", 0)
    scan.control("a", "u")
    scan.up("a")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_and_int_are_dx(scan: Scan, number: int) -> None:
    scan.service("a")
    supervise = lone(scan)
    pid = scan.up("a")
    became(pid, "sleep")
    supervise.send_signal(number)
    assert supervise.wait(DEADLINE) == 0
    assert not living(pid)
    found = scan.record("a")
    assert found is not None
    assert (found.ended, found.want) == ("stopped", "down")
    assert (found.deaths[0].status, found.deaths[0].asked) == (-15, True)


@pytest.mark.parametrize("letters", ["dx", "xd", "xk"])
def test_it_exits_when_the_service_is_down(scan: Scan, letters: str) -> None:
    scan.service("a")
    supervise = lone(scan)
    pid = scan.up("a")
    scan.control("a", letters)
    assert supervise.wait(DEADLINE) == 0
    gone(pid)
    assert not supervised(scan, "a")


def test_x_while_it_is_down(scan: Scan) -> None:
    scan.service("a", down="")
    supervise = lone(scan)
    scan.control("a", "x")
    assert supervise.wait(DEADLINE) == 0


def test_x_while_it_runs_waits_for_its_end(scan: Scan) -> None:
    scan.service("a")
    supervise = lone(scan)
    pid = scan.up("a")
    scan.control("a", "x")
    scan.until("a", lambda found: found.exiting)
    assert supervise.poll() is None
    end(pid)
    assert supervise.wait(DEADLINE) == 0


def test_quit_leaves_the_service_running(scan: Scan) -> None:
    scan.service("a")
    supervise = lone(scan)
    pid = scan.up("a")
    supervise.send_signal(signal.SIGQUIT)
    assert supervise.wait(DEADLINE) == 0
    assert living(pid)
    assert not supervised(scan, "a")
    lone(scan)
    eventually(lambda: supervised(scan, "a"), "the next one answers")
    scan.control("a", "t")
    scan.up("a", beside=pid)
    found = scan.record("a")
    assert found is not None
    assert (found.starts, found.deaths[0].asked) == (2, True)


def test_after_term_the_next_one_follows_the_down_file(scan: Scan) -> None:
    scan.service("a")
    supervise = lone(scan)
    scan.up("a")
    supervise.terminate()
    assert supervise.wait(DEADLINE) == 0
    lone(scan)
    scan.up("a")


def test_svscan_goes_on_with_what_a_lone_one_left(scan: Scan) -> None:
    scan.add("a")
    supervise = lone(scan)
    pid = scan.up("a")
    supervise.kill()
    supervise.wait(DEADLINE)
    scan.start()
    scan.control("a", "p")
    assert scan.until("a", lambda found: found.paused).pid == pid


def test_a_second_one_is_refused(scan: Scan) -> None:
    scan.service("a")
    lone(scan)
    pid = scan.up("a")
    second = subprocess.run(
        [BIN / "supervise", scan.services / "a"], capture_output=True, timeout=DEADLINE
    )
    assert second.returncode == 111
    where = os.fsencode(scan.services / "a")
    assert second.stderr == (
        b"supervise: fatal: unable to acquire %b/supervise/lock: temporary failure\n" % where
    )
    assert scan.up("a") == pid


@pytest.mark.parametrize("words", [[], ["a", "b"], [""]])
def test_wrong_usage(words: list[str]) -> None:
    wrong = subprocess.run([BIN / "supervise", *words], capture_output=True, timeout=DEADLINE)
    assert (wrong.returncode, wrong.stderr) == (100, b"supervise: usage: supervise dir\n")


def test_no_directory(short_path: Path) -> None:
    nowhere = subprocess.run(
        [BIN / "supervise", "nowhere"], capture_output=True, timeout=DEADLINE, cwd=short_path
    )
    assert nowhere.returncode == 111
    assert nowhere.stderr == (
        b"supervise: fatal: unable to chdir to nowhere: file does not exist\n"
    )


def test_a_supervise_that_is_no_directory(scan: Scan) -> None:
    scan.service("a", supervise="a file\n")
    wrong = subprocess.run(
        [BIN / "supervise", "a"], capture_output=True, timeout=DEADLINE, cwd=scan.services
    )
    assert wrong.returncode == 111
    assert (
        wrong.stderr == b"supervise: fatal: unable to acquire a/supervise/lock: not a directory\n"
    )
