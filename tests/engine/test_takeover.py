"""svscan dies, and the next one goes on with each service in whatever state it is."""

import os
import shutil
import signal
import time

import pytest

from supervise.protocol.record import UNKNOWN, Record
from supervise.protocol.status import pack
from tests.support.gate import (
    Gate,
    end,
    gone,
    instances,
    living,
    replace_svscan,
    served,
    taken_up,
)
from tests.support.probe import stopped
from tests.support.scan import SLEEPER, Scan, eventually
from tests.support.trace import strace

STUBBORN = '#!/bin/sh\ntrap "" TERM\necho "$0 $$" >>../starts\nwhile :; do sleep 1000; done\n'
FAILING = "#!/bin/sh\necho failed >>../failures\nexit 3\n"
FOR_EVER = {"backoff__first": "5000\n", "backoff__max": "5000\n"}


def kept(found: Record) -> dict[str, object]:
    """All that a taking over must not change. In `down` no start is planned for any time."""
    fields = {key: getattr(found, key) for key in Record.__slots__ if key != "deaths"}
    if found.state == "down":
        del fields["start_at"]
    return fields | {"deaths": [death.packed for death in found.deaths]}


def unchanged(scan: Scan, name: str) -> Record:
    """Replace svscan; what the record says then, which must be what it said before."""
    before = scan.record(name)
    assert before is not None
    path = scan.services / name / "supervise/status"
    status = pack(before.since, before.pid, before.paused, before.want)
    # It is written after the record.
    eventually(lambda: path.exists() and path.read_bytes() == status, "the status, too")
    replace_svscan(scan, name)
    after = scan.record(name)
    assert after is not None
    assert kept(after) == kept(before)
    assert path.read_bytes() == status
    return after


# An instance runs


@pytest.mark.parametrize("letters", ["", "p", "o", "op", "pc", "hu"])
def test_a_running_instance_is_gone_on_with(scan: Scan, letters: str) -> None:
    scan.add("a", "#!/bin/sh\ntrap : HUP\necho $$ >>../starts\nwhile :; do sleep 1000; done\n")
    scan.start()
    scan.up("a")
    eventually(lambda: len(scan.starts()) == 1, "the start")
    if letters:
        scan.control("a", letters)
    want = "once" if "o" in letters else "up"
    paused = letters.endswith("p")
    before = scan.until("a", lambda found: found.want == want and found.paused == paused)
    assert unchanged(scan, "a").pid == before.pid
    assert len(scan.starts()) == 1
    assert instances(scan, "a") == [before.pid]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("letter", ["p", "c"])
@pytest.mark.parametrize("call", ["kill", "pwrite64"])
def test_what_is_shown_as_paused_is_stopped_and_nothing_else_is(
    scan: Scan, letter: str, call: str
) -> None:
    """svscan is killed at a pause, and at its end, before it has signalled or recorded it."""
    scan.add("a")
    svscan = scan.start()
    pid = scan.up("a")
    if letter == "c":
        scan.control("a", "p")
        eventually(lambda: stopped(pid), "it is stopped")
    served(scan, "a")
    with strace(scan, "-o", os.devnull, "-e", f"inject={call}:signal=KILL:when=1"):
        scan.control("a", letter)
        svscan.wait(30)
    replace_svscan(scan, "a")
    found = scan.record("a")
    assert found is not None
    assert found.pid == pid
    eventually(lambda: stopped(pid) == found.paused, lambda: f"paused: {found.paused}")


def test_it_is_stopped_by_the_successor(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    replace_svscan(scan, "a")
    scan.control("a", "d")
    death = scan.state("a", "down").deaths[0]
    assert (death.asked, death.status in (-15, UNKNOWN)) == (True, True)
    assert not living(pid)


def test_a_chain_of_deaths_of_svscan_keeps_it(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    before = scan.until("a", lambda found: found.state == "up" and found.pid)
    for _ in range(5):
        replace_svscan(scan, "a")
    after = scan.record("a")
    assert after is not None
    assert kept(after) == kept(before)


def test_a_death_that_nobody_watched_is_recorded_and_it_is_started_again(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    eventually(scan.starts, "it has said so")
    replace_svscan(scan, "a", meanwhile=lambda: end(pid))
    scan.up("a", beside=pid)
    found = scan.record("a")
    assert found is not None
    assert [death.status for death in found.deaths] == [UNKNOWN]
    assert found.failures == 1
    eventually(lambda: len(scan.starts()) == 2, "the second start")


def test_once_that_died_unwatched_is_not_started_again(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.control("a", "o")
    scan.until("a", lambda found: found.want == "once")
    replace_svscan(scan, "a", meanwhile=lambda: end(pid))
    assert scan.state("a", "down").want == "once"
    assert not instances(scan, "a")


def test_the_status_of_an_adopted_instance(scan: Scan) -> None:
    """Linux 6.15 and newer tell, when its parent has reaped it in time."""
    gate = Gate(scan.services / "gate")
    scan.add("a", f"#!/bin/sh\n{gate.wait}\nexit 7\n", **FOR_EVER)
    scan.start()
    pid = scan.up("a")
    replace_svscan(scan, "a")
    gate.open()
    death = scan.until("a", lambda found: found.deaths).deaths[0]
    release = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    assert death.status in ((7, UNKNOWN) if release >= (6, 15) else (UNKNOWN,))
    assert not death.asked
    gone(pid)


def test_it_is_asked_to_end_and_svscan_dies(scan: Scan) -> None:
    """Down-signal is given once more, and the time of timeout-kill is not."""
    scan.add("a", STUBBORN, timeout_kill="5000000\n")
    scan.start()
    pid = scan.up("a")
    eventually(scan.starts, "the trap is set")
    scan.control("a", "d")
    scan.until("a", lambda found: found.state == "stopping" and found.deadline > 0)
    after = unchanged(scan, "a")
    assert (after.state, after.pid) == ("stopping", pid)
    end(pid)
    assert scan.state("a", "down").deaths[0].asked


def test_a_kill_that_fell_due_meanwhile_is_made_up_for(scan: Scan) -> None:
    scan.add("a", STUBBORN, timeout_kill="400\n")
    scan.start()
    pid = scan.up("a")
    eventually(scan.starts, "the trap is set")
    scan.control("a", "d")
    deadline = scan.until("a", lambda found: found.deadline > 0).deadline
    replace_svscan(scan, "a", meanwhile=lambda: eventually(lambda: time.monotonic() > deadline, ""))
    scan.state("a", "down")
    assert not living(pid)


def test_x_before_the_death_of_svscan_is_void(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.control("a", "x")
    scan.until("a", lambda found: found.exiting)
    replace_svscan(scan, "a")
    found = scan.until("a", lambda found: not found.exiting)
    assert (found.state, found.pid, found.want) == ("up", pid, "up")
    end(pid)
    scan.up("a", beside=pid)


# Readiness

READY_AT = "#!/bin/sh\necho $$ >>../starts\n{gate}\necho >&3\nexec sleep 1000\n"


def test_ready_stays_ready(scan: Scan) -> None:
    scan.add("a", READY_AT.format(gate=":"), notification_fd="3\n")
    scan.start()
    scan.until("a", lambda found: found.readiness == "ready")
    unchanged(scan, "a")


def test_it_becomes_ready_under_the_successor(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", READY_AT.format(gate=gate.wait), notification_fd="3\n")
    scan.start()
    scan.until("a", lambda found: found.readiness == "not yet" and found.pid)
    unchanged(scan, "a")
    gate.open()
    scan.until("a", lambda found: found.readiness == "ready")


def test_it_becomes_ready_while_nobody_listens(scan: Scan) -> None:
    """It holds the FIFO at both ends, so what it said is still in there."""
    gate = Gate(scan.services / "gate")
    after = Gate(scan.services / "after")
    run = READY_AT.format(gate=gate.wait).replace("exec sleep 1000", after.wait)
    scan.add("a", run, notification_fd="3\n")
    scan.start()
    scan.until("a", lambda found: found.readiness == "not yet" and found.pid)
    scan.kill()
    gate.open()
    writer = eventually(after._writer, "it has said that it is ready")
    scan.start()
    scan.until("a", lambda found: found.readiness == "ready")
    os.close(writer)


# Nothing runs


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_svscan_dies_when_it_has_heard_that_it_is_ready(scan: Scan) -> None:
    """And has not recorded it: the newline is still there for the successor."""
    gate = Gate(scan.services / "gate")
    scan.add("a", READY_AT.format(gate=gate.wait), notification_fd="3\n")
    svscan = scan.start()
    pid = scan.up("a")
    served(scan, "a")
    with strace(scan, "-o", os.devnull, "-e", "inject=pwrite64:signal=KILL:when=1"):
        gate.open()
        svscan.wait(30)
    found = scan.record("a")
    assert found is not None
    assert found.readiness == "not yet"
    scan.start()
    assert scan.until("a", lambda found: found.readiness == "ready").pid == pid


def test_waiting_goes_on_until_the_same_moment(scan: Scan) -> None:
    scan.add("a", FAILING, **FOR_EVER)
    scan.start()
    scan.until("a", lambda found: found.state == "waiting" and found.failures == 2)
    after = unchanged(scan, "a")
    assert after.start_at - time.monotonic() > 4000
    scan.control("a", "d")
    assert scan.state("a", "down").starts == 2


def test_a_wait_that_is_over_meanwhile(scan: Scan) -> None:
    scan.add("a", FAILING, **FOR_EVER)
    scan.start()
    due = scan.until("a", lambda found: found.state == "waiting").start_at
    replace_svscan(scan, "a", meanwhile=lambda: eventually(lambda: time.monotonic() > due, ""))
    scan.until("a", lambda found: found.failures == 2 and found.starts == 2)


def test_wanted_down_stays_down(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    scan.up("a")
    scan.control("a", "d")
    scan.state("a", "down")
    assert unchanged(scan, "a").want == "down"
    assert not instances(scan, "a")


def test_wanted_up_against_its_down_file(scan: Scan) -> None:
    scan.add("a", down="")
    scan.start()
    taken_up(scan, "a")
    assert not instances(scan, "a")
    scan.control("a", "u")
    pid = scan.up("a")
    replace_svscan(scan, "a", meanwhile=lambda: end(pid))
    assert scan.up("a", beside=pid)


def test_the_verdict_of_finish_outlives_svscan(scan: Scan) -> None:
    scan.add("a", FAILING, finish="#!/bin/sh\nexit 125\n")
    scan.start()
    scan.until("a", lambda found: found.failed)
    assert unchanged(scan, "a").state == "down"


# finish and start-check

FINISH = "#!/bin/sh\necho begun $1 $2 >>../finish\n{gate}\necho ended >>../finish\nexit {code}\n"


def finishing(scan: Scan, code: int = 0) -> tuple[Gate, int]:
    """A service whose finish waits at the gate; the pid of that."""
    gate = Gate(scan.services / "gate")
    scan.add("a", finish=FINISH.format(gate=gate.wait, code=code), timeout_finish="0\n")
    scan.start()
    os.kill(scan.up("a"), signal.SIGKILL)
    pid = scan.until("a", lambda found: found.state == "finishing" and found.helper_pid).helper_pid
    eventually((scan.services / "finish").exists, "finish runs")
    return gate, pid


def finish_lines(scan: Scan) -> list[str]:
    return (scan.services / "finish").read_text().splitlines()


def test_a_running_finish_is_waited_for_and_not_run_twice(scan: Scan) -> None:
    gate, pid = finishing(scan)
    after = unchanged(scan, "a")
    assert after.helper_pid == pid
    assert not instances(scan, "a")[1:]
    gate.open()
    scan.up("a")
    assert finish_lines(scan) == ["begun 256 9", "ended"]


def test_a_finish_that_ended_unseen_is_not_run_twice(scan: Scan) -> None:
    gate, pid = finishing(scan)

    def ends() -> None:
        gate.open()
        gone(pid)

    replace_svscan(scan, "a", meanwhile=ends)
    scan.up("a")
    assert finish_lines(scan) == ["begun 256 9", "ended"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_finish_that_ended_before_it_was_recorded_is_not_run_twice(scan: Scan) -> None:
    """svscan is killed right after it has begun."""
    scan.add("a", finish=FINISH.format(gate=":", code=0), leftovers="wait\n")
    svscan = scan.start()
    pid = scan.up("a")
    served(scan, "a")
    with strace(scan, "-o", os.devnull, "-e", "inject=rt_sigprocmask:signal=KILL:when=2"):
        os.kill(pid, signal.SIGKILL)
        svscan.wait(30)
    found = scan.record("a")
    assert found is not None
    assert (found.state, found.helper_pid, any(found.helper_nonce)) == ("finishing", 0, True)
    path = scan.services / "finish"
    eventually(lambda: path.exists() and "ended" in path.read_text(), "finish has run")
    scan.start()
    scan.up("a", beside=pid)
    assert finish_lines(scan) == ["begun 256 9", "ended"]


def test_an_adopted_finish_that_says_never_again(scan: Scan) -> None:
    """Where the kernel tells its status; else it counts as an ordinary end."""
    gate, _ = finishing(scan, code=125)
    replace_svscan(scan, "a")
    gate.open()
    found = scan.until("a", lambda found: found.state in ("down", "up"))
    assert found.failed == (found.state == "down")


def test_a_finish_for_a_death_that_nobody_saw(scan: Scan) -> None:
    scan.add("a", finish=FINISH.format(gate=":", code=0))
    scan.start()
    pid = scan.up("a")
    replace_svscan(scan, "a", meanwhile=lambda: end(pid))
    scan.up("a", beside=pid)
    assert finish_lines(scan) == ["begun 256 0", "ended"]


def test_a_finish_that_hangs_is_killed_at_its_deadline(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", finish=FINISH.format(gate=gate.wait, code=0), timeout_finish="300\n")
    scan.start()
    first = scan.up("a")
    os.kill(first, signal.SIGKILL)
    scan.until("a", lambda found: found.state == "finishing" and found.helper_pid)
    eventually((scan.services / "finish").exists, "finish runs")
    replace_svscan(scan, "a")
    scan.up("a", beside=first)
    assert finish_lines(scan) == ["begun 256 9"]


def test_a_running_start_check_is_waited_for_and_asked_again(scan: Scan) -> None:
    """What it said went to the dead svscan, so it is asked once more, and never two at a time."""
    gate = Gate(scan.services / "gate")
    check = f"#!/bin/sh\necho check $$ >>../checks\n{gate.wait}\n"
    scan.add("a", start_check=check)
    scan.start()
    pid = scan.until("a", lambda found: found.state == "checking" and found.helper_pid).helper_pid
    after = unchanged(scan, "a")
    assert after.helper_pid == pid
    gate.open()
    again = scan.until("a", lambda found: found.helper_pid not in (0, pid)).helper_pid
    gate.open()
    scan.up("a")
    checks = (scan.services / "checks").read_text().splitlines()
    assert checks == [f"check {pid}", f"check {again}"]


def test_a_start_check_that_ended_unseen_is_asked_again(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", start_check=f"#!/bin/sh\n{gate.wait}\n")
    scan.start()
    pid = scan.until("a", lambda found: found.helper_pid).helper_pid

    def ends() -> None:
        gate.open()
        gone(pid)

    replace_svscan(scan, "a", meanwhile=ends)
    gate.open()
    scan.up("a")
    assert len(scan.starts()) <= 1


# Leftovers

LEAVER = """#!/bin/sh
sh -c '{trap}; echo $$ >../left; {gate}' 3>&- &
while ! test -s ../left; do sleep 0.01; done
echo $$ >>../starts
exec sleep 1000
"""


def leaving(scan: Scan, policy: str, trap: str = ":", **files: str) -> tuple[Gate, int]:
    """A dead instance that left a process behind, which waits at the gate; the pid of that."""
    gate = Gate(scan.services / "gate")
    scan.add("a", LEAVER.format(gate=gate.wait, trap=trap), leftovers=policy, **files)
    scan.start()
    first = scan.up("a")
    eventually(scan.starts, "its child is there")
    left = int((scan.services / "left").read_text())
    os.kill(first, signal.SIGKILL)
    scan.until("a", lambda found: found.state == "leftovers" and found.deaths)
    return gate, left


def test_leftovers_are_still_waited_for(scan: Scan) -> None:
    gate, left = leaving(scan, "wait\n")
    assert unchanged(scan, "a").state == "leftovers"
    assert living(left)
    (scan.services / "left").unlink()
    gate.open()
    scan.up("a")
    eventually(lambda: len(scan.starts()) == 2, "the second start")
    assert not living(left)


def test_leftovers_that_ended_unseen(scan: Scan) -> None:
    gate, left = leaving(scan, "wait\n")

    def ends() -> None:
        (scan.services / "left").unlink()
        gate.open()
        gone(left)

    replace_svscan(scan, "a", meanwhile=ends)
    scan.up("a")
    eventually(lambda: len(scan.starts()) == 2, "the second start")


def test_leftovers_that_are_to_be_killed_keep_their_deadline(scan: Scan) -> None:
    _, left = leaving(scan, "kill\n", trap='trap "" TERM', timeout_kill="5000000\n")
    in_an_hour = time.monotonic() + 3600  # the deadline to ask it is over at once
    scan.until("a", lambda found: found.deadline > in_an_hour)
    assert unchanged(scan, "a").state == "leftovers"
    assert living(left)
    scan.control("a", "dk")
    scan.state("a", "down")
    assert not living(left)


def test_leftovers_that_are_to_be_killed_are_killed(scan: Scan) -> None:
    _, left = leaving(scan, "kill\n", trap='trap "" TERM', timeout_kill="400\n")
    (scan.services / "left").unlink()
    replace_svscan(scan, "a")
    scan.up("a")
    eventually(lambda: len(scan.starts()) == 2, "the second start")
    assert not living(left)


# Links, and ends on purpose


def test_a_service_without_its_link_is_not_forgotten(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    (scan.home / "a").unlink()
    replace_svscan(scan, "a")
    end(pid)
    again = scan.up("a", beside=pid)
    scan.control("a", "dx")
    gone(again)
    eventually(lambda: not os.listdir(scan.home / ".svscan/services"), "it is forgotten")
    assert scan.stop() == 0


def test_a_service_given_up_without_its_link_does_not_come_back(scan: Scan) -> None:
    scan.add("a")
    scan.add("b")
    scan.start()
    pid = scan.up("a")
    (scan.home / "a").unlink()
    scan.control("a", "dx")
    gone(pid)
    eventually(lambda: len(os.listdir(scan.home / ".svscan/services")) == 1, "it is forgotten")
    replace_svscan(scan, "b")
    assert not instances(scan, "a")


def test_quit_leaves_everything_running(scan: Scan) -> None:
    scan.add("a")
    scan.add("b", down="")
    scan.start()
    scan.up("a")
    eventually(lambda: len(scan.starts()) == 1, "the start of a")
    scan.control("a", "p")
    scan.control("b", "o")
    scan.up("b")
    eventually(lambda: len(scan.starts()) == 2, "the start of b")
    before = {name: scan.until(name, lambda found: found.pid) for name in "ab"}
    before["a"] = scan.until("a", lambda found: found.paused)
    assert scan.stop(signal.SIGQUIT) == 0
    assert all(living(found.pid) for found in before.values())
    scan.start()
    for name, found in before.items():
        taken_up(scan, name)
        after = scan.record(name)
        assert after is not None
        assert kept(after) == kept(found)
    assert scan.starts() == [f"./run {before['a'].pid}", f"./run {before['b'].pid}"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_after_term_only_the_down_file_counts(scan: Scan, number: int) -> None:
    scan.add("normally-up")
    scan.add("normally-down", down="")
    scan.start()
    scan.up("normally-up")
    scan.control("normally-down", "u")
    scan.up("normally-down")
    scan.control("normally-up", "d")
    scan.state("normally-up", "down")
    assert scan.stop(number) == 0
    scan.start()
    taken_up(scan, "normally-down")
    scan.up("normally-up")
    found = scan.record("normally-down")
    assert found is not None
    assert (found.state, found.want) == ("down", "down")


def test_after_x_only_the_down_file_counts(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    first = scan.up("a")
    scan.control("a", "dx")
    gone(first)
    second = scan.up("a", beside=first)
    found = scan.record("a")
    assert found is not None
    assert (found.want, found.pid) == ("up", second)
    assert [death.asked for death in found.deaths] == [True]


def test_loggers_are_gone_on_with_too(scan: Scan) -> None:
    log = "#!/bin/sh\necho log $$ >>../../starts\nexec cat >>../../log\n"
    scan.add("a", SLEEPER, log__run=log)
    scan.start()
    scan.up("a")
    logger = scan.up("a/log")
    eventually(lambda: len(scan.starts()) == 2, "both starts")
    unchanged(scan, "a")
    taken_up(scan, "a/log")
    assert scan.up("a/log") == logger
    assert scan.stop() == 0
    assert not list(scan.ours())
    assert len(scan.starts()) == 2


def test_what_was_taken_down_with_all_is_forgotten_where_its_link_is_gone(scan: Scan) -> None:
    scan.add("a")
    scan.add("b")
    scan.start()
    scan.up("a")
    scan.up("b")
    assert scan.stop() == 0
    (scan.home / "a").unlink()
    scan.start()
    scan.up("b")
    eventually(lambda: len(os.listdir(scan.home / ".svscan/services")) == 1, "it is forgotten")
    assert instances(scan, "a") == []
