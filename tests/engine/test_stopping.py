"""`down-signal` and `timeout-kill`: how a service is told to end, and what if it does not."""

import os
import signal

import pytest

from tests.support.gate import living
from tests.support.probe import RECORDER, begun, notes, shows, stopped
from tests.support.scan import Scan, eventually


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("INT", "SIGINT"),
        ("SIGUSR1", "SIGUSR1"),
        ("sigquit", "SIGQUIT"),
        ("2", "SIGINT"),
        ("10 and more words\nand lines", "SIGUSR1"),
        ("HUP", "SIGHUP"),
    ],
)
def test_down_signal(scan: Scan, word: str, name: str) -> None:
    scan.add("a", RECORDER, down_signal=f"{word}\n")
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", "d")
    notes(scan, "a", name, "SIGCONT")
    shows(scan, "a", pid, b"d")


def test_down_signal_may_be_kill(scan: Scan) -> None:
    scan.add("a", RECORDER, down_signal="KILL\n")
    scan.start()
    begun(scan, "a")
    scan.control("a", "d")
    death = scan.state("a", "down").deaths[0]
    assert (death.status, death.asked) == (-9, True)


def test_t_is_term_whatever_down_signal_says(scan: Scan) -> None:
    scan.add("a", RECORDER, down_signal="HUP\n")
    scan.start()
    begun(scan, "a")
    scan.control("a", "t")
    notes(scan, "a", "SIGTERM")


def test_the_knob_is_read_when_it_is_used(scan: Scan) -> None:
    directory = scan.add("a", RECORDER)
    scan.start()
    begun(scan, "a")
    (directory / "down-signal").write_text("USR2\n")
    scan.control("a", "d")
    notes(scan, "a", "SIGUSR2", "SIGCONT")


def test_dx_and_svscan_use_it_too(scan: Scan) -> None:
    scan.add("a", RECORDER, down_signal="USR2\n", timeout_kill="300\n")
    scan.start()
    begun(scan, "a")
    assert scan.stop() == 0
    notes(scan, "a", "SIGUSR2", "SIGCONT")


def test_without_timeout_kill_it_gets_all_the_time(scan: Scan) -> None:
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", "d")
    notes(scan, "a", "SIGTERM", "SIGCONT")
    assert scan.state("a", "stopping").deadline == -1.0
    assert living(pid)


@pytest.mark.parametrize("letters", ["d", "ddd", "du", "pd"])
def test_one_that_does_not_end_is_killed(scan: Scan, letters: str) -> None:
    scan.add("a", RECORDER, timeout_kill="300\n")
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", letters)
    death = scan.until("a", lambda found: found.deaths).deaths[0]
    assert (death.status, death.asked) == (-9, True)
    assert death.uptime >= 0.3
    assert not living(pid)
    if "u" in letters:
        scan.up("a", beside=pid)
    else:
        scan.state("a", "down")


def test_the_deadline(scan: Scan) -> None:
    """A second `d` does not put it off."""
    scan.add("a", RECORDER, timeout_kill="4000000\n")
    scan.start()
    begun(scan, "a")
    scan.control("a", "d")
    notes(scan, "a", "SIGTERM", "SIGCONT")
    deadline = scan.state("a", "stopping").deadline
    scan.control("a", "d")
    notes(scan, "a", "SIGTERM", "SIGCONT", "SIGTERM", "SIGCONT")
    scan.control("a", "p")
    found = scan.until("a", lambda found: found.paused)
    assert (found.state, found.deadline) == ("stopping", deadline)


def test_a_deadline_of_one_instance_does_not_hit_the_next(scan: Scan) -> None:
    scan.add("a", RECORDER, timeout_kill="4000000\n")
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", "du")
    scan.until("a", lambda found: found.state == "stopping" and found.deadline > 0)
    os.kill(pid, signal.SIGKILL)
    begun(scan, "a", times=2)
    found = scan.until("a", lambda found: found.state == "up" and found.pid != pid)
    assert found.deadline == -1.0


def test_a_paused_service_hears_of_the_end(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.control("a", "p")
    eventually(lambda: stopped(pid), "it stands still")
    scan.control("a", "d")
    death = scan.state("a", "down").deaths[0]
    assert (death.status, death.asked) == (-15, True)


def test_a_paused_service_is_taken_down_by_svscan(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.control("a", "p")
    eventually(lambda: stopped(pid), "it stands still")
    assert scan.stop() == 0
    assert not living(pid)


def test_x_while_it_does_not_end(scan: Scan) -> None:
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    (scan.home / "a").unlink()
    scan.control("a", "dx")
    notes(scan, "a", "SIGTERM", "SIGCONT")
    found = scan.until("a", lambda found: found.exiting)
    assert (found.state, found.ended) == ("stopping", "under way")
    scan.control("a", "k")
    scan.until("a", lambda found: found.ended == "stopped")
    assert not living(pid)
    shows(scan, "a", 0, b"d")
