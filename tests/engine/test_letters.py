"""The control letters, in every state, and the status that daemontools 0.76 would write then."""

import os
import signal

import pytest

from supervise.protocol.record import Record
from tests.support.gate import Gate, gone, living, taken_up
from tests.support.probe import RECORDER, begun, noted, notes, shows, stopped
from tests.support.scan import SLEEPER, Scan, eventually

UP, DOWN, ONCE = b"u", b"d", b"\0"

SIGNALS = {
    "h": "SIGHUP",
    "i": "SIGINT",
    "q": "SIGQUIT",
    "1": "SIGUSR1",
    "2": "SIGUSR2",
    "a": "SIGALRM",
    "t": "SIGTERM",
    "c": "SIGCONT",
    "w": "SIGWINCH",
}
NO_PROCESS = "pchaitkqw12"
"""All that is for a process."""

FOR_EVER = {"backoff__first": "5000\n", "backoff__max": "5000\n"}


# While it is up


def test_each_letter_sends_its_signal_and_no_other(scan: Scan) -> None:
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    sent: list[str] = []
    for letter, name in SIGNALS.items():
        scan.control("a", letter)
        sent.append(name)
        notes(scan, "a", *sent)
    shows(scan, "a", pid, UP)


@pytest.mark.parametrize("letter", list("iqt"))
def test_which_letters_ask_for_the_death_that_follows(scan: Scan, letter: str) -> None:
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", letter)
    assert scan.until("a", lambda found: found.asked).state == "up"
    os.kill(pid, signal.SIGKILL)
    found = scan.until("a", lambda found: found.deaths)
    assert (found.deaths[0].status, found.deaths[0].asked, found.failures) == (-9, True, 0)


@pytest.mark.parametrize("letter", list("hc12aw"))
def test_which_letters_do_not(scan: Scan, letter: str) -> None:
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", letter)
    notes(scan, "a", SIGNALS[letter])
    os.kill(pid, signal.SIGKILL)
    found = scan.until("a", lambda found: found.deaths)
    assert (found.deaths[0].status, found.deaths[0].asked, found.failures) == (-9, False, 1)


def test_k_kills(scan: Scan) -> None:
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", "k")
    again = scan.up("a", beside=pid)
    shows(scan, "a", again, UP)
    found = scan.until("a", lambda found: found.deaths)
    assert (found.deaths[0].status, found.deaths[0].asked, found.failures) == (-9, True, 0)


def test_pause_and_continue(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.control("a", "p")
    eventually(lambda: stopped(pid), "it stands still")
    shows(scan, "a", pid, UP, paused=True)
    scan.control("a", "c")
    eventually(lambda: not stopped(pid), "it goes on")
    shows(scan, "a", pid, UP)


@pytest.mark.parametrize("letters", ["o", "uo", "ouo"])
def test_once_while_it_is_up_means_not_again(scan: Scan, letters: str) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.control("a", letters)
    shows(scan, "a", pid, ONCE)
    os.kill(pid, signal.SIGKILL)
    assert scan.state("a", "down").starts == 1
    shows(scan, "a", 0, ONCE)


def test_up_takes_once_back(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.control("a", "o")
    shows(scan, "a", pid, ONCE)
    scan.control("a", "u")
    shows(scan, "a", pid, UP)
    os.kill(pid, signal.SIGKILL)
    scan.up("a", beside=pid)


def test_once_that_was_killed_by_a_letter_is_not_started_again(scan: Scan) -> None:
    scan.add("a", down="")
    scan.start()
    scan.control("a", "o")
    pid = scan.up("a")
    scan.control("a", "t")
    gone(pid)
    scan.state("a", "down")
    shows(scan, "a", 0, ONCE)


def test_down_and_up_again(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    shows(scan, "a", pid, UP)
    eventually(scan.starts, "the start")
    scan.control("a", "d")
    found = scan.state("a", "down")
    shows(scan, "a", 0, DOWN)
    assert (found.deaths[0].status, found.deaths[0].asked) == (-15, True)
    scan.control("a", "u")
    again = scan.up("a")
    shows(scan, "a", again, UP)
    both = [f"./run {pid}", f"./run {again}"]
    eventually(lambda: scan.starts() == both, "both starts, and no third")


@pytest.mark.parametrize("letters", ["du", "duu", "ddu", "tdu", "pdu", "odu", "dou"])
def test_d_and_u_in_one_write_restart_it(scan: Scan, letters: str) -> None:
    """Where 0.76 could serve `u` before the death, and then leave it down."""
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.control("a", letters)
    again = scan.up("a", beside=pid)
    shows(scan, "a", again, UP)
    assert scan.until("a", lambda found: found.deaths).starts == 2


def test_d_and_u_back_to_back(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    for _ in range(20):
        scan.control("a", "d")
        scan.control("a", "u")
        pid = scan.up("a", beside=pid)
    shows(scan, "a", pid, UP)
    found = scan.until("a", lambda found: found.deaths)
    assert found.failures == 0
    assert all(death.asked for death in found.deaths)


def test_the_last_of_very_many_letters_counts(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    scan.up("a")
    scan.control("a", "ud" * 1000)
    scan.state("a", "down")
    shows(scan, "a", 0, DOWN)


def test_a_paused_service_is_continued_so_that_it_can_end(scan: Scan) -> None:
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", "p")
    eventually(lambda: stopped(pid), "it stands still")
    scan.control("a", "d")
    notes(scan, "a", "SIGTERM", "SIGCONT")
    shows(scan, "a", pid, DOWN)
    assert not stopped(pid)


# While it is told to end


def stopping(scan: Scan) -> int:
    """A service that was told to end, and does not."""
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", "d")
    notes(scan, "a", "SIGTERM", "SIGCONT")
    scan.state("a", "stopping")
    shows(scan, "a", pid, DOWN)
    return pid


def test_signals_while_it_is_told_to_end(scan: Scan) -> None:
    pid = stopping(scan)
    sent = ["SIGTERM", "SIGCONT"]
    for letter, name in SIGNALS.items():
        scan.control("a", letter)
        sent.append(name)
        notes(scan, "a", *sent)
    shows(scan, "a", pid, DOWN)
    scan.control("a", "k")
    found = scan.state("a", "down")
    assert (found.deaths[0].status, found.deaths[0].asked) == (-9, True)
    shows(scan, "a", 0, DOWN)


def test_u_while_it_is_told_to_end(scan: Scan) -> None:
    pid = stopping(scan)
    scan.control("a", "u")
    shows(scan, "a", pid, UP)
    os.kill(pid, signal.SIGKILL)
    again = begun(scan, "a", times=2)
    shows(scan, "a", again, UP)
    assert again != pid
    found = scan.until("a", lambda found: found.deaths)
    assert (found.deaths[0].asked, found.failures) == (True, 0)


def test_o_while_it_is_told_to_end(scan: Scan) -> None:
    """As 0.76: not again."""
    pid = stopping(scan)
    scan.control("a", "o")
    shows(scan, "a", pid, ONCE)
    os.kill(pid, signal.SIGKILL)
    scan.state("a", "down")
    shows(scan, "a", 0, ONCE)


def test_pause_while_it_is_told_to_end(scan: Scan) -> None:
    pid = stopping(scan)
    scan.control("a", "p")
    eventually(lambda: stopped(pid), "it stands still")
    shows(scan, "a", pid, DOWN, paused=True)
    scan.control("a", "d")
    notes(scan, "a", "SIGTERM", "SIGCONT", "SIGTERM", "SIGCONT")
    shows(scan, "a", pid, DOWN)


# While nothing runs


@pytest.mark.parametrize(("letter", "want"), [("u", UP), ("o", ONCE)])
def test_signals_while_it_is_down(scan: Scan, letter: str, want: bytes) -> None:
    """They are lost, and the next instance gets none of them."""
    scan.add("a", RECORDER, down="")
    scan.start()
    taken_up(scan, "a")
    shows(scan, "a", 0, DOWN)
    scan.control("a", NO_PROCESS + letter)
    pid = begun(scan, "a")
    shows(scan, "a", pid, want)
    assert noted(scan, "a") == ["begun"]


def test_d_while_it_is_down(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    scan.up("a")
    scan.control("a", "d")
    scan.state("a", "down")
    scan.control("a", "dd")
    scan.control("a", "o")
    pid = scan.up("a")
    shows(scan, "a", pid, ONCE)


def waiting(scan: Scan, run: str = "#!/bin/sh\nexit 1\n") -> Record:
    scan.add("a", run, **FOR_EVER)
    scan.start()
    return scan.until("a", lambda found: found.state == "waiting" and found.failures == 2)


def test_letters_while_it_waits(scan: Scan) -> None:
    found = waiting(scan)
    shows(scan, "a", 0, UP)
    scan.control("a", NO_PROCESS + "d")
    after = scan.state("a", "down")
    shows(scan, "a", 0, DOWN)
    assert after.starts == found.starts == 2


@pytest.mark.parametrize(("letter", "want"), [("u", UP), ("o", ONCE), ("du", UP)])
def test_u_and_o_while_it_waits_start_at_once(scan: Scan, letter: str, want: bytes) -> None:
    waiting(scan, "#!/bin/sh\ntest -e ../well && exec sleep 1000\nexit 1\n")
    (scan.services / "well").touch()
    scan.control("a", letter)
    pid = scan.up("a")
    shows(scan, "a", pid, want)
    found = scan.record("a")
    assert found is not None
    assert (found.failures, found.starts) == (0, 3)


def checking(scan: Scan) -> tuple[Gate, int]:
    gate = Gate(scan.services / "gate")
    scan.add("a", start_check=f"#!/bin/sh\n{gate.wait}\n")
    scan.start()
    return gate, scan.until("a", lambda found: found.helper_pid).helper_pid


def test_d_while_it_is_checked_ends_the_check(scan: Scan) -> None:
    _, check = checking(scan)
    shows(scan, "a", 0, UP)
    scan.control("a", "d")
    found = scan.state("a", "down")
    shows(scan, "a", 0, DOWN)
    gone(check)
    assert (found.starts, found.failures, found.deaths) == (0, 0, ())


@pytest.mark.parametrize(("letters", "want"), [("o", ONCE), ("u", UP), ("ou", UP), ("hcw12", UP)])
def test_letters_while_it_is_checked_do_not_end_the_check(
    scan: Scan, letters: str, want: bytes
) -> None:
    gate, check = checking(scan)
    scan.control("a", letters)
    shows(scan, "a", 0, want)
    gate.open()
    pid = scan.up("a")
    shows(scan, "a", pid, want)
    gone(check)


@pytest.mark.parametrize("letters", ["du", "k"])
def test_a_check_that_was_ended_is_asked_again(scan: Scan, letters: str) -> None:
    """Asked for, so it is no failure."""
    gate, check = checking(scan)
    scan.control("a", letters)
    again = scan.until("a", lambda found: found.helper_pid not in (0, check))
    assert again.failures == 0
    gate.open()
    pid = scan.up("a")
    shows(scan, "a", pid, UP)


def finishing(scan: Scan) -> tuple[Gate, int]:
    gate = Gate(scan.services / "gate")
    scan.add("a", finish=f"#!/bin/sh\n{gate.wait}\n", timeout_finish="0\n")
    scan.start()
    os.kill(scan.up("a"), signal.SIGKILL)
    return gate, scan.until("a", lambda found: found.helper_pid).helper_pid


@pytest.mark.parametrize(
    ("letters", "want"),
    [("d", DOWN), ("o", ONCE), ("u", UP), ("ud", DOWN), ("do", ONCE), ("pchaitqw12", UP)],
)
def test_letters_while_finish_runs(scan: Scan, letters: str, want: bytes) -> None:
    """Finish is not disturbed; afterwards it is as they wanted."""
    gate, pid = finishing(scan)
    shows(scan, "a", 0, UP)
    scan.control("a", letters)
    shows(scan, "a", 0, want)
    assert living(pid)
    gate.open()
    if want == DOWN:
        scan.state("a", "down")
        shows(scan, "a", 0, DOWN)
    else:
        shows(scan, "a", scan.up("a"), want)


def test_k_ends_a_finish(scan: Scan) -> None:
    _, pid = finishing(scan)
    scan.control("a", "k")
    scan.up("a")
    assert not living(pid)


def test_letters_while_leftovers_are_waited_for(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    leaver = f'#!/bin/sh\nsh -c "{gate.wait}" &\n{SLEEPER[10:]}'
    scan.add("a", leaver, leftovers="wait\n")
    scan.start()
    first = scan.up("a")
    eventually(scan.starts, "it has left something")
    os.kill(first, signal.SIGKILL)
    scan.state("a", "leftovers")
    shows(scan, "a", 0, UP)
    scan.control("a", "pchaitqw12d")
    shows(scan, "a", 0, DOWN)
    scan.control("a", "u")
    shows(scan, "a", 0, UP)
    gate.open()
    again = scan.up("a")
    shows(scan, "a", again, UP)
    assert again != first


# Giving up


@pytest.mark.parametrize(("files", "want"), [({}, UP), ({"down": ""}, DOWN)])
def test_given_up_and_taken_up_afresh(scan: Scan, files: dict[str, str], want: bytes) -> None:
    """A second later, as svscan of 0.76, following the `down` file."""
    scan.add("a", **files)
    scan.start()
    taken_up(scan, "a")
    scan.control("a", "o")
    first = scan.up("a")
    scan.control("a", "dx")
    gone(first)
    wanted = "up" if want == UP else "down"
    afresh = scan.until("a", lambda found: found.want == wanted and not found.exiting)
    assert (afresh.ended, afresh.failures) == ("under way", 0)
    taken_up(scan, "a")
    shows(scan, "a", scan.up("a", beside=first) if want == UP else 0, want)


def test_x_alone_waits_for_the_death(scan: Scan) -> None:
    scan.add("a", SLEEPER)
    scan.start()
    pid = scan.up("a")
    (scan.home / "a").unlink()
    scan.control("a", "x")
    found = scan.until("a", lambda found: found.exiting)
    assert found.state == "up"
    shows(scan, "a", pid, UP)
    assert living(pid)
    os.kill(pid, signal.SIGKILL)
    scan.until("a", lambda found: found.ended == "stopped")
    shows(scan, "a", 0, UP)
    eventually(lambda: not os.listdir(scan.home / ".svscan/services"), "it is forgotten")
    assert scan.until("a", lambda found: found.deaths).starts == 1


@pytest.mark.parametrize("letters", ["x", "dx", "xd", "xdx"])
def test_x_while_it_is_down(scan: Scan, letters: str) -> None:
    scan.add("a", down="")
    scan.start()
    taken_up(scan, "a")
    (scan.home / "a").unlink()
    scan.control("a", letters)
    scan.until("a", lambda found: found.ended == "stopped")
    shows(scan, "a", 0, DOWN)
    eventually(lambda: not os.listdir(scan.home / ".svscan/services"), "it is forgotten")
