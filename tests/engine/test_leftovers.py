"""What a dead instance leaves in its session, and orphans that are nobody's."""

import os
import signal
from pathlib import Path

import pytest

from supervise.engine import processes
from tests.support.gate import Gate, end, gone, living
from tests.support.probe import shows, supervised
from tests.support.scan import Scan, eventually, program

CHILD = "#!/bin/sh\n{trap}\necho $$ >>../left\necho >../there\n{gate}\n{after}\n"
RUN = "#!/bin/sh\n../child &\nread -r _ <../there\necho $$ >>../starts\nexec sleep 1000\n"


class Leaver:
    """A service whose instances each start a child, which waits at a gate."""

    def __init__(self, scan: Scan, trap: str = ":", after: str = "", **files: str) -> None:
        self.scan = scan
        self.gate = Gate(scan.services / "gate")
        os.mkfifo(scan.services / "there")
        child = CHILD.format(trap=trap, gate=self.gate.wait, after=after)
        program(scan.services / "child", child)
        scan.add("a", RUN, **files)
        scan.start()

    def left(self) -> list[int]:
        path = self.scan.services / "left"
        return [int(word) for word in path.read_text().split()] if path.exists() else []

    def die(self) -> int:
        """Kill the instance, when it has its child; its pid."""
        eventually(self.scan.starts, "it has its child")
        pid = self.scan.up("a")
        os.kill(pid, signal.SIGKILL)
        return pid


def zombie(pid: int) -> bool:
    known = processes.facts(pid)
    return known is not None and known.state == b"Z"


def child_of_svscan(scan: Scan, pid: int) -> bool:
    assert scan.svscan is not None
    path = Path(f"/proc/{scan.svscan.pid}/task/{scan.svscan.pid}/children")
    return str(pid) in path.read_text().split()


@pytest.mark.parametrize("files", [{}, {"leftovers": "ignore\n"}])
def test_by_default_they_are_ignored(scan: Scan, files: dict[str, str]) -> None:
    leaver = Leaver(scan, **files)
    first = leaver.die()
    scan.up("a", beside=first)
    assert living(leaver.left()[0])
    eventually(lambda: processes.facts(first) is None, "the dead leader is reaped")


def test_a_knob_that_is_removed_meanwhile(scan: Scan) -> None:
    """The dead leader was to stay a zombie: it is reaped all the same."""
    leaver = Leaver(scan, leftovers="wait\n")
    scan.up("a")
    (scan.services / "a/leftovers").unlink()
    first = leaver.die()
    scan.up("a", beside=first)
    assert living(leaver.left()[0])
    eventually(lambda: processes.facts(first) is None, "the dead leader is reaped")


def test_the_next_start_waits_for_them(scan: Scan) -> None:
    """The dead leader stays a zombie meanwhile, so that the number of its session stays its own."""
    leaver = Leaver(scan, leftovers="wait\n")
    first = leaver.die()
    found = scan.until("a", lambda found: found.state == "leftovers" and found.deaths)
    assert (found.pid, found.session, found.deadline) == (0, first, -1.0)
    shows(scan, "a", 0, b"u")
    assert zombie(first)
    leaver.gate.open()
    scan.up("a", beside=first)
    assert not living(leaver.left()[0])
    assert processes.facts(first) is None


def test_what_they_fork_is_waited_for_too(scan: Scan) -> None:
    last = Gate(scan.services / "last")
    after = f'(sh -c "echo \\$\\$ >>../left; {last.wait}" &)'
    leaver = Leaver(scan, after=after, leftovers="wait\n")
    first = leaver.die()
    scan.state("a", "leftovers")
    leaver.gate.open()
    eventually(lambda: len(leaver.left()) == 2, "a fork of what was left")
    gone(leaver.left()[0])
    scan.control("a", "o")
    assert scan.until("a", lambda found: found.want == "once").state == "leftovers"
    assert zombie(first)
    last.open()
    scan.up("a", beside=first)
    assert not any(living(pid) for pid in leaver.left()[:2])


def test_those_that_left_the_session_are_not_waited_for(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    run = (
        f'#!/bin/sh\nsetsid sh -c "echo \\$\\$ >>../left; {gate.wait}" &\n'
        "while ! test -s ../left; do sleep 0.01; done\necho $$ >>../starts\nexec sleep 1000\n"
    )
    scan.add("a", run, leftovers="wait\n")
    scan.start()
    eventually(scan.starts, "it has its child")
    first = scan.up("a")
    os.kill(first, signal.SIGKILL)
    scan.up("a", beside=first)
    left = int((scan.services / "left").read_text().split()[0])
    assert living(left)


@pytest.mark.parametrize("letter", ["", "d"])
def test_they_are_killed(scan: Scan, letter: str) -> None:
    leaver = Leaver(scan, leftovers="kill\n")
    eventually(scan.starts, "it has its child")
    if letter:
        scan.control("a", letter)
        scan.state("a", "down")
    else:
        scan.up("a", beside=leaver.die())
    assert not living(leaver.left()[0])


def test_they_are_told_to_end_first(scan: Scan) -> None:
    trap = "trap 'echo told >>../told; exit 0' TERM"
    leaver = Leaver(scan, trap=trap, leftovers="kill\n", timeout_kill="4000000\n")
    first = leaver.die()
    scan.up("a", beside=first)
    assert (scan.services / "told").read_text() == "told\n"


def test_those_that_do_not_end_are_killed_after_timeout_kill(scan: Scan) -> None:
    leaver = Leaver(scan, trap='trap "" TERM', leftovers="kill\n", timeout_kill="300\n")
    first = leaver.die()
    scan.up("a", beside=first)
    assert not living(leaver.left()[0])


@pytest.mark.parametrize("trap", ["trap 'echo told >>../told; exit 0' TERM", 'trap "" TERM'])
def test_they_may_end_by_themselves_first(scan: Scan, trap: str) -> None:
    knobs = {"leftovers": "kill\n", "timeout_leftovers": "300\n", "timeout_kill": "300\n"}
    leaver = Leaver(scan, trap=trap, **knobs)
    first = leaver.die()
    found = scan.until("a", lambda found: found.state == "leftovers" and found.deadline > 0)
    assert found.deadline >= found.started_at + found.deaths[0].uptime + 0.3
    assert not (scan.services / "told").exists()
    scan.up("a", beside=first)
    assert not living(leaver.left()[0])


def test_those_that_end_by_themselves_are_not_told(scan: Scan) -> None:
    knobs = {"leftovers": "kill\n", "timeout_leftovers": "4000000\n"}
    leaver = Leaver(scan, trap="trap 'echo told >>../told' TERM", **knobs)
    first = leaver.die()
    scan.state("a", "leftovers")
    leaver.gate.open()
    scan.up("a", beside=first)
    assert not (scan.services / "told").exists()


def test_the_next_supervisor_keeps_the_time_they_have(scan: Scan) -> None:
    knobs = {"leftovers": "kill\n", "timeout_leftovers": "1000\n"}
    leaver = Leaver(scan, trap='echo x; trap "echo told >>../told; exit 0" TERM', **knobs)
    first = leaver.die()
    found = scan.until("a", lambda found: found.state == "leftovers" and found.deadline > 0)
    scan.kill()
    scan.start()
    assert scan.state("a", "leftovers").deadline == found.deadline
    scan.up("a", beside=first)
    assert (scan.services / "told").read_text() == "told\n"


def test_without_a_knob_they_get_five_seconds(scan: Scan) -> None:
    leaver = Leaver(scan, trap='trap "" TERM', leftovers="kill\n")
    leaver.die()
    found = scan.until("a", lambda found: found.state == "leftovers" and found.deadline > 0)
    assert found.deadline >= found.started_at + found.deaths[0].uptime + 5
    scan.control("a", "dk")
    scan.state("a", "down")


def test_k_kills_them(scan: Scan) -> None:
    leaver = Leaver(scan, trap='trap "" TERM', leftovers="wait\n")
    first = leaver.die()
    scan.state("a", "leftovers")
    scan.control("a", "t")
    scan.control("a", "k")
    scan.up("a", beside=first)
    assert not living(leaver.left()[0])


def test_d_while_they_are_waited_for(scan: Scan) -> None:
    leaver = Leaver(scan, leftovers="wait\n")
    leaver.die()
    scan.state("a", "leftovers")
    scan.control("a", "d")
    assert scan.until("a", lambda found: found.want == "down").state == "leftovers"
    leaver.gate.open()
    scan.state("a", "down")
    assert not living(leaver.left()[0])


def test_finish_runs_when_they_are_gone(scan: Scan) -> None:
    finish = '#!/bin/sh\necho "$@" >>../finished\n'
    leaver = Leaver(scan, leftovers="wait\n", finish=finish)
    first = leaver.die()
    scan.state("a", "leftovers")
    finished = scan.services / "finished"
    assert not finished.exists()
    leaver.gate.open()
    scan.up("a", beside=first)
    assert finished.read_text() == f"256 9 a {first}\n"


def test_many_of_them(scan: Scan) -> None:
    """More than are watched at the same time."""
    run = (
        "#!/bin/sh\ni=0\nwhile [ $i -lt 70 ]; do sleep 1000 & i=$((i+1)); done\n"
        "echo $$ >>../starts\nexec sleep 1000\n"
    )
    scan.add("a", run, leftovers="kill\n")
    scan.start()
    eventually(scan.starts, "it has its children")
    first = scan.up("a")
    assert len(processes.session_members(first)) == 70
    scan.control("a", "d")
    scan.state("a", "down")
    assert not processes.session_members(first)


def test_dx_waits_for_them(scan: Scan) -> None:
    leaver = Leaver(scan, leftovers="wait\n")
    eventually(scan.starts, "it has its child")
    (scan.home / "a").unlink()
    scan.control("a", "dx")
    found = scan.until("a", lambda found: found.state == "leftovers")
    assert (found.exiting, found.ended) == (True, "under way")
    assert supervised(scan, "a")
    leaver.gate.open()
    scan.until("a", lambda found: found.ended == "stopped")


def test_a_service_beside_is_served_meanwhile(scan: Scan) -> None:
    leaver = Leaver(scan, leftovers="wait\n")
    leaver.die()
    scan.state("a", "leftovers")
    scan.add("b")
    pid = 0
    for _ in range(5):
        pid = scan.up("b", beside=pid)
        end(pid)
        scan.control("b", "u")
    scan.up("b", beside=pid)
    assert scan.until("a", lambda found: found.starts).state == "leftovers"


# Orphans

ORPHANS = "#!/bin/sh\n(sh -c 'echo $$ >>../orphans; {gate}' &)\nexec sleep 1000\n"


def orphans(scan: Scan, number: int) -> list[int]:
    path = scan.services / "orphans"
    eventually(
        lambda: path.exists() and len(path.read_text().split()) == number, f"{number} orphans"
    )
    return [int(word) for word in path.read_text().split()]


def test_orphans_come_to_svscan_and_are_reaped(scan: Scan) -> None:
    gate = Gate(scan.services / "orphan-gate")
    scan.add("a", ORPHANS.format(gate=gate.wait))
    scan.start()
    scan.up("a")
    (orphan,) = orphans(scan, 1)
    eventually(lambda: child_of_svscan(scan, orphan), "it comes to svscan")
    gate.open()
    eventually(lambda: processes.facts(orphan) is None, "it is reaped")


def test_orphans_are_reaped_while_a_dead_leader_is_kept(scan: Scan) -> None:
    leaver = Leaver(scan, leftovers="wait\n")
    first = leaver.die()
    scan.state("a", "leftovers")
    gates = [Gate(scan.services / f"orphan-gate-{number}") for number in range(3)]
    for number, gate in enumerate(gates):
        scan.add(f"b{number}", ORPHANS.format(gate=gate.wait))
    found = orphans(scan, 3)
    for orphan in found:
        eventually(lambda pid=orphan: child_of_svscan(scan, pid), "it comes to svscan")
    for gate in gates:
        gate.open()
    for orphan in found:
        eventually(lambda pid=orphan: processes.facts(pid) is None, "it is reaped")
    assert zombie(first)
    leaver.gate.open()
    scan.up("a", beside=first)
    assert processes.facts(first) is None


def test_two_dead_leaders_are_kept_at_the_same_time(scan: Scan) -> None:
    gates = {name: Gate(scan.services / f"gate-{name}") for name in "ab"}
    for name, gate in gates.items():
        run = f"#!/bin/sh\nsh -c '{gate.wait}' &\necho $$ >>../starts\nexec sleep 1000\n"
        scan.add(name, run, leftovers="wait\n")
    scan.start()
    eventually(lambda: len(scan.starts()) == 2, "both have their children")
    pids = {name: scan.up(name) for name in "ab"}
    for name, pid in pids.items():
        os.kill(pid, signal.SIGKILL)
        scan.state(name, "leftovers")
    assert all(zombie(pid) for pid in pids.values())
    gates["b"].open()
    scan.up("b", beside=pids["b"])
    assert zombie(pids["a"])
    gates["a"].open()
    scan.up("a", beside=pids["a"])
    eventually(lambda: processes.facts(pids["b"]) is None, "both are reaped")
