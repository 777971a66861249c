"""`finish`: what it is told, what it can say, and how long it may take."""

import os
import signal

import pytest

from tests.support.gate import Gate, end, gone, living
from tests.support.probe import shows
from tests.support.scan import SLEEPER, Scan, eventually, program

TELLER = '#!/bin/sh\necho "$@" >>../finished\n'
FOR_EVER = {"backoff__first": "5000\n", "backoff__max": "5000\n"}


def finished(scan: Scan) -> list[str]:
    path = scan.services / "finished"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("code", [0, 1, 100, 255])
def test_it_is_told_the_exit_code(scan: Scan, code: int) -> None:
    scan.add("a", f"#!/bin/sh\necho $$ >>../pids\nexit {code}\n", finish=TELLER, **FOR_EVER)
    scan.start()
    scan.until("a", lambda found: found.failures == 2)
    pids = (scan.services / "pids").read_text().split()
    wanted = [f"{code} 0 a {pid}" for pid in pids]
    eventually(lambda: finished(scan) == wanted, lambda: f"{wanted}: {finished(scan)}")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGUSR1, signal.SIGSEGV])
def test_it_is_told_the_signal(scan: Scan, number: int) -> None:
    scan.add("a", finish=TELLER)
    scan.start()
    pid = scan.up("a")
    end(pid, number)
    scan.up("a", beside=pid)
    assert finished(scan) == [f"256 {int(number)} a {pid}"]


def test_it_is_told_what_a_letter_did(scan: Scan) -> None:
    scan.add("a", finish=TELLER)
    scan.start()
    pid = scan.up("a")
    scan.control("a", "d")
    scan.state("a", "down")
    assert finished(scan) == [f"256 15 a {pid}"]


def test_its_name_is_that_of_the_service(scan: Scan) -> None:
    scan.add("with space-$", finish='#!/bin/sh\necho "$3" >>../finished\n')
    scan.start()
    end(scan.up("with space-$"))
    eventually(lambda: finished(scan) == ["with space-$"], lambda: str(finished(scan)))


def test_it_runs_where_the_service_runs(scan: Scan) -> None:
    scan.add("a", finish="#!/bin/sh\npwd >../finished\n")
    scan.start()
    end(scan.up("a"))
    eventually(lambda: finished(scan) == [str(scan.services / "a")], lambda: str(finished(scan)))


def test_a_next_instance_waits_for_it(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", finish=f"#!/bin/sh\n{gate.wait}\n", timeout_finish="0\n")
    scan.start()
    first = scan.up("a")
    end(first)
    found = scan.until("a", lambda found: found.helper_pid)
    assert (found.state, found.starts, found.deadline) == ("finishing", 1, -1.0)
    shows(scan, "a", 0, b"u")
    scan.control("a", "hu")
    gate.open()
    assert scan.up("a", beside=first)


def test_without_a_knob_it_has_five_seconds(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", finish=f"#!/bin/sh\n{gate.wait}\n")
    scan.start()
    end(scan.up("a"))
    found = scan.until("a", lambda found: found.helper_pid)
    ended = found.started_at + found.deaths[0].uptime
    assert 5 <= found.deadline - ended < 60


def test_it_is_killed_when_its_time_is_over(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    script = f'#!/bin/sh\ntrap "" TERM INT HUP\n{gate.wait}\n{gate.wait}\n'
    scan.add("a", finish=script, timeout_finish="300\n")
    scan.start()
    first = scan.up("a")
    end(first)
    scan.up("a", beside=first)
    found = scan.record("a")
    assert found is not None
    assert (found.helper_pid, found.failed) == (0, False)


def test_125_means_never_again(scan: Scan) -> None:
    scan.add("a", finish="#!/bin/sh\nexit 125\n")
    scan.start()
    end(scan.up("a"))
    found = scan.until("a", lambda found: found.failed)
    assert (found.state, found.want, found.starts) == ("down", "down", 1)
    assert found.reason == "a/finish said not to start again (exit 125)"
    shows(scan, "a", 0, b"d")


@pytest.mark.parametrize(("letter", "want"), [("u", b"u"), ("o", b"\0")])
def test_a_letter_ends_the_verdict(scan: Scan, letter: str, want: bytes) -> None:
    scan.add("a", finish="#!/bin/sh\nexit 125\n")
    scan.start()
    end(scan.up("a"))
    scan.until("a", lambda found: found.failed)
    scan.control("a", letter)
    pid = scan.up("a")
    shows(scan, "a", pid, want)
    found = scan.record("a")
    assert found is not None
    assert (found.failed, found.reason) == (False, "")


@pytest.mark.parametrize("code", [1, 100, 111, 124, 126])
def test_any_other_exit_code_of_it_changes_nothing(scan: Scan, code: int) -> None:
    scan.add("a", finish=f"#!/bin/sh\nexit {code}\n")
    scan.start()
    first = scan.up("a")
    end(first)
    scan.up("a", beside=first)
    found = scan.record("a")
    assert found is not None
    assert (found.failed, found.want, found.failures) == (False, "up", 1)


def test_it_runs_after_each_instance_once(scan: Scan) -> None:
    scan.add("a", finish=TELLER)
    scan.start()
    pids = []
    for _ in range(5):
        pids.append(scan.up("a", beside=pids[-1] if pids else 0))
        scan.control("a", "k")
    scan.up("a", beside=pids[-1])
    assert finished(scan) == [f"256 9 a {pid}" for pid in pids]


def test_d_while_it_runs_lets_it_end(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    finish = f"#!/bin/sh\n{gate.wait}\necho whole >>../finished\n"
    scan.add("a", finish=finish, timeout_finish="0\n")
    scan.start()
    end(scan.up("a"))
    pid = scan.until("a", lambda found: found.helper_pid).helper_pid
    scan.control("a", "d")
    scan.until("a", lambda found: found.want == "down")
    assert living(pid)
    gate.open()
    scan.state("a", "down")
    assert finished(scan) == ["whole"]


def test_dx_while_it_runs_waits_for_it(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", finish=f"#!/bin/sh\n{gate.wait}\n", timeout_finish="0\n")
    scan.start()
    end(scan.up("a"))
    pid = scan.until("a", lambda found: found.helper_pid).helper_pid
    (scan.home / "a").unlink()
    scan.control("a", "dx")
    assert scan.until("a", lambda found: found.exiting).state == "finishing"
    gate.open()
    scan.until("a", lambda found: found.ended == "stopped")
    gone(pid)


def test_term_to_svscan_waits_for_it(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    finish = f"#!/bin/sh\n{gate.wait}\necho whole >>../finished\n"
    scan.add("a", finish=finish, timeout_finish="0\n")
    scan.start()
    svscan = scan.svscan
    assert svscan is not None
    scan.up("a")
    svscan.terminate()
    scan.until("a", lambda found: found.helper_pid)
    assert svscan.poll() is None
    gate.open()
    assert svscan.wait(60) == 0
    assert finished(scan) == ["whole"]


def test_what_it_prints_goes_to_the_log(scan: Scan) -> None:
    scan.add(
        "a",
        f"#!/bin/sh\necho run\n{SLEEPER[10:]}",
        finish="#!/bin/sh\necho finish\n",
        log__run="#!/bin/sh\nexec cat >>../../logged\n",
    )
    scan.start()
    first = scan.up("a")
    eventually(scan.starts, "it has printed")
    end(first)
    logged = scan.services / "logged"
    lines = ["run", "finish", "run"]
    eventually(lambda: logged.exists() and logged.read_text().split() == lines, "what both printed")


def test_one_that_cannot_be_executed_is_told_and_passed_over(scan: Scan) -> None:
    scan.add("a", finish="no program\n")
    scan.start()
    first = scan.up("a")
    end(first)
    scan.up("a", beside=first)
    scan.says("supervise: fatal: unable to start a/finish: access denied")


def test_it_can_come_and_go_while_the_service_runs(scan: Scan) -> None:
    directory = scan.add("a")
    scan.start()
    first = scan.up("a")
    program(directory / "finish", TELLER)
    os.kill(first, signal.SIGKILL)
    second = scan.up("a", beside=first)
    (directory / "finish").unlink()
    os.kill(second, signal.SIGKILL)
    scan.up("a", beside=second)
    assert finished(scan) == [f"256 9 a {first}"]
