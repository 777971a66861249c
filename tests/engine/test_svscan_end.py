"""How svscan ends, and who comes after it."""

import fcntl
import os
import signal
import subprocess
import time

import pytest

from tests.support.gate import Gate, answers, gone, instances, living, served, taken_up
from tests.support.scan import BIN, DEADLINE, Scan, eventually

STUBBORN = '#!/bin/sh\ntrap "" TERM\necho "$0 $$" >>../starts\nwhile :; do sleep 1000; done\n'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_takes_everything_down_and_exits_0(scan: Scan, number: int) -> None:
    for name in ("a", "b", "c"):
        scan.add(name, log__run="#!/bin/sh\nexec cat\n")
    scan.add("failing", "#!/bin/sh\nexit 1\n")
    scan.add("down", down="")
    scan.link("dangling")
    scan.start()
    for name in ("a", "b", "c", "a/log", "b/log", "c/log"):
        scan.up(name)
    assert scan.stop(number) == 0
    assert not list(scan.ours())
    for name in ("a", "b/log", "failing"):
        found = scan.record(name)
        assert found is not None
        assert found.ended == "stopped"


def test_an_empty_directory_is_waited_for_and_ends_at_once(scan: Scan) -> None:
    scan.start()
    eventually((scan.home / ".svscan/services").exists, "it is at work")
    assert scan.svscan is not None
    assert scan.svscan.poll() is None
    assert scan.stop() == 0


def test_finish_runs_on_the_way_down(scan: Scan) -> None:
    scan.add("a", finish="#!/bin/sh\necho finish $1 $2 >>../finish\n")
    scan.start()
    scan.up("a")
    assert scan.stop() == 0
    assert (scan.services / "finish").read_text() == "finish 256 15\n"


def test_one_that_will_not_end_is_waited_for_and_named(scan: Scan) -> None:
    scan.add("a", STUBBORN)
    scan.add("b")
    scan.start()
    pid = scan.up("a")
    other = scan.up("b")
    eventually(lambda: len(scan.starts()) == 2, "the trap is set")
    assert scan.svscan is not None
    scan.svscan.send_signal(signal.SIGTERM)
    gone(other)
    scan.svscan.send_signal(signal.SIGTERM)  # asks whom it is waiting for
    scan.says(f"still waiting for a (stopping, pid {pid})")
    os.kill(pid, signal.SIGKILL)
    assert scan.svscan.wait(DEADLINE) == 0


def test_it_ends_what_its_letters_still_reach(scan: Scan) -> None:
    scan.add("a", STUBBORN)
    scan.start()
    scan.up("a")
    eventually(scan.starts, "the trap is set")
    assert scan.svscan is not None
    scan.svscan.send_signal(signal.SIGTERM)
    scan.state("a", "stopping")
    scan.control("a", "k")
    assert scan.svscan.wait(DEADLINE) == 0


def test_nothing_new_is_taken_up_on_the_way_down(scan: Scan) -> None:
    """Neither a new link, nor a service that was just given up."""
    scan.add("a", STUBBORN)
    scan.add("given-up")
    scan.start()
    pid = scan.up("a")
    other = scan.up("given-up")
    eventually(lambda: len(scan.starts()) == 2, "the trap is set")
    scan.control("given-up", "dx")
    gone(other)
    scan.until("given-up", lambda found: found.ended == "stopped")
    assert scan.svscan is not None
    scan.svscan.send_signal(signal.SIGTERM)
    scan.state("a", "stopping")
    scan.add("late")
    # It names the tardy 5 s after TERM: later than it would take anything up afresh.
    scan.says(f"still waiting for a (stopping, pid {pid})")
    assert not instances(scan, "given-up")
    assert not (scan.services / "late/supervise").exists()
    os.kill(pid, signal.SIGKILL)
    assert scan.svscan.wait(DEADLINE) == 0
    assert len(scan.starts()) == 2


def test_svscan_is_killed_on_the_way_down(scan: Scan) -> None:
    """An order to end everything was given to the dead one, not to the next."""
    scan.add("a", STUBBORN)
    scan.start()
    pid = scan.up("a")
    eventually(scan.starts, "the trap is set")
    assert scan.svscan is not None
    scan.svscan.send_signal(signal.SIGTERM)
    scan.until("a", lambda found: found.state == "stopping" and found.exiting)
    scan.kill()
    scan.start()
    taken_up(scan, "a")
    assert living(pid)
    os.kill(pid, signal.SIGKILL)
    scan.up("a", beside=pid)


# A second svscan


def second(scan: Scan) -> "subprocess.Popen[bytes]":
    with scan.messages.open("ab") as err:
        other = subprocess.Popen([BIN / "svscan", scan.home], stderr=err)
    scan.says(f"svscan: warning: another svscan has {scan.home}, waiting for it to end")
    return other


def test_a_second_one_waits_and_takes_over_when_the_first_is_killed(scan: Scan) -> None:
    scan.add("a")
    first = scan.start()
    pid = scan.up("a")
    served(scan, "a")
    other = second(scan)
    scan.svscan = other
    first.kill()
    first.wait(DEADLINE)
    taken_up(scan, "a")
    assert scan.up("a") == pid
    served(scan, "a")
    assert scan.said().count("another svscan") == 1
    assert scan.stop() == 0
    assert len(scan.starts()) == 1


def test_a_second_one_that_waits_leaves_the_notes_of_the_first_alone(scan: Scan) -> None:
    scan.add("a")
    (scan.home / "file").touch()
    scan.start()
    scan.up("a")
    note = scan.home / ".svscan/refused/file"
    eventually(note.exists, "the note why it is refused")
    other = second(scan)
    try:
        assert note.read_text() == "file is not a directory\n"
    finally:
        other.kill()
        other.wait()


def test_a_second_one_takes_over_after_quit_and_starts_afresh_after_term(scan: Scan) -> None:
    scan.add("a")
    first = scan.start()
    pid = scan.up("a")
    other = second(scan)
    first.send_signal(signal.SIGQUIT)
    assert first.wait(DEADLINE) == 0
    taken_up(scan, "a")
    assert scan.up("a") == pid
    scan.messages.write_text("")
    third = second(scan)
    scan.svscan = third
    other.send_signal(signal.SIGTERM)
    assert other.wait(DEADLINE) == 0
    scan.up("a", beside=pid)
    assert not living(pid)


def test_a_second_one_that_waits_can_be_told_to_go(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    for number in (signal.SIGTERM, signal.SIGQUIT):
        scan.messages.write_text("")
        other = second(scan)
        other.send_signal(number)
        assert other.wait(DEADLINE) == 0
    assert scan.up("a") == pid
    served(scan, "a")


def test_a_service_without_a_link_whose_lock_is_still_held(scan: Scan) -> None:
    """A successor that comes while a dying one still holds it waits, and does not forget it."""
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    (scan.home / "a").unlink()
    scan.kill()
    with (scan.services / "a/supervise/lock").open("ab") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        scan.add("b")
        scan.start()
        served(scan, "b")
        scan.says("supervise/lock: temporary failure, waiting for it")
        tries = time.monotonic() + 0.05
        eventually(lambda: time.monotonic() > tries, "it has tried again")
    taken_up(scan, "a")
    assert scan.up("a") == pid
    assert scan.said().count("waiting for it") == 1
    assert os.listdir(scan.home / ".svscan/refused") == []


def test_a_logger_that_is_ended_before_its_service(scan: Scan) -> None:
    """`finish` still gets what it is to write to, and not what has its number now."""
    gate = Gate(scan.services / "gate")
    run = f'#!/bin/sh\ntrap "" TERM\necho "$0 $$" >>../starts\n{gate.wait}\n'
    directory = scan.add("a", run, finish="#!/bin/sh\necho $1 >../finish\n", log__run=STUBBORN)
    scan.start()
    scan.up("a")
    logger = scan.up("a/log")
    eventually(lambda: len(scan.starts()) == 1, "the trap is set")
    assert scan.svscan is not None
    scan.svscan.send_signal(signal.SIGTERM)
    scan.state("a", "stopping")
    scan.control("a/log", "dxk")
    gone(logger)
    eventually(lambda: not answers(directory / "log"), "the logger is let go of")
    gate.open()
    assert scan.svscan.wait(DEADLINE) == 0
    assert (scan.services / "finish").read_text() == "0\n"
    assert scan.said() == ""
