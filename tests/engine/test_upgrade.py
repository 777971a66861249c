"""SIGUSR2: svscan becomes its program file anew, and nothing of a service is lost meanwhile."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from supervise.engine import processes
from supervise.protocol.record import UNKNOWN
from tests.support.gate import (
    Gate,
    end,
    gone,
    living,
    replace_svscan,
    served,
    taken_up,
    works_in,
)
from tests.support.probe import RECORDER, begun, notes
from tests.support.scan import BIN, SLEEPER, Scan, eventually, program
from tests.support.trace import strace
from tests.support.versions import Installed, Slow, ask, upgrade

SEVEN = "#!/bin/sh\ntrap 'exit 7' TERM\necho >../trapped\nwhile :; do sleep 0.01; done\n"


def test_the_process_and_its_services_stay(scan: Scan) -> None:
    scan.add("a")
    scan.add("b", log__run="#!/bin/sh\nexec cat >../lines\n")
    scan.start()
    names = "a", "b", "b/log"
    before = [scan.up(name) for name in names]
    assert scan.svscan is not None
    for times in range(1, 4):
        upgrade(scan, times)
    assert Path(f"/proc/{scan.svscan.pid}/comm").read_text() == "svscan\n"
    assert [scan.up(name) for name in names] == before
    for name, pid in zip(names, before, strict=True):
        scan.control(name, "t")
        scan.up(name, beside=pid)
    assert scan.stop() == 0
    assert not list(scan.ours())


def test_it_does_not_matter_where_it_was_started(scan: Scan) -> None:
    """Both the program file and the directory were named from there."""
    scan.add("a")
    beside = scan.home.parent
    (beside / "bin").symlink_to(BIN)
    scan.launch("bin/svscan", "service", cwd=beside)
    pid = scan.up("a")
    upgrade(scan)
    upgrade(scan, 2)
    assert scan.up("a") == pid


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_knob_is_read_once(scan: Scan) -> None:
    knob = scan.add("a", down_signal="TERM\n") / "down-signal"
    scan.start()
    scan.up("a")
    served(scan, "a")
    seen = scan.services / "seen"
    with strace(scan, "-o", str(seen), "-e", "trace=openat", "-P", str(knob)):
        upgrade(scan)
        served(scan, "a")
    assert seen.read_text().count(str(knob)) == 1


def test_no_descriptor_more(scan: Scan) -> None:
    scan.add("a", notification_fd="3\n")
    scan.add("b", log__run="#!/bin/sh\nexec cat >../lines\n")
    scan.start()
    scan.up("a")
    scan.up("b/log")
    upgrade(scan)
    before = open_files(scan)
    for times in range(2, 5):
        upgrade(scan, times)
    assert open_files(scan) == before


def open_files(scan: Scan) -> int:
    assert scan.svscan is not None
    for name in ("a", "b"):
        served(scan, name)
    return len(os.listdir(f"/proc/{scan.svscan.pid}/fd"))


SHOWS = r"""#!/bin/sh
{
    ulimit -n
    grep -E 'Sig(Blk|Ign|Cgt)|Umask' /proc/self/status
    env | grep -v NONCE
    readlink /proc/$$/fd/* >../links
    grep -v -e shown -e links ../links
} >../shown.new
mv ../shown.new ../shown
exec sleep 1000
"""


def test_services_get_what_svscan_was_started_with(scan: Scan) -> None:
    """Descriptors, their limit, signals, environment: all as before the upgrade."""
    scan.add("a", SHOWS)
    scan.launch("sh", "-c", 'ulimit -Sn 777; exec "$0" "$1"', scan.program, scan.home)
    pid = scan.up("a")
    shown = scan.services / "shown"
    eventually(shown.exists, "it shows what it has")
    before = shown.read_text()
    upgrade(scan)
    shown.unlink()
    scan.control("a", "t")
    scan.up("a", beside=pid)
    eventually(shown.exists, "it shows what it has")
    assert shown.read_text() == before
    assert before.startswith("777\n")


# Between the old and the new one


def test_a_death_and_its_exit_code(scan: Scan) -> None:
    slow = Slow(scan)
    scan.add("a", SEVEN)
    scan.start()
    pid = scan.up("a")
    eventually((scan.services / "trapped").exists, "it traps TERM")
    with slow.upgrade():
        end(pid, signal.SIGTERM)
    assert scan.until("a", lambda found: found.deaths).deaths[0].status == 7
    scan.up("a", beside=pid)


def test_letters(scan: Scan) -> None:
    slow = Slow(scan)
    scan.add("a", RECORDER)
    scan.start()
    begun(scan, "a")
    with slow.upgrade():
        scan.control("a", "h")
        scan.control("a", "i1")
    notes(scan, "a", "SIGHUP", "SIGINT", "SIGUSR1")


def test_what_was_served_is_not_served_again(scan: Scan) -> None:
    slow = Slow(scan)
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", "d")
    notes(scan, "a", "SIGTERM", "SIGCONT")
    with slow.upgrade():
        pass
    scan.control("a", "h")
    notes(scan, "a", "SIGTERM", "SIGCONT", "SIGHUP")
    scan.control("a", "k")
    found = scan.state("a", "down")
    assert (found.deaths[0].status, found.deaths[0].asked) == (-9, True)
    assert not living(pid)


def test_exit_is_still_wanted(scan: Scan) -> None:
    slow = Slow(scan)
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    (scan.home / "a").unlink()
    scan.control("a", "x")
    scan.until("a", lambda found: found.exiting)
    with slow.upgrade():
        pass
    assert scan.until("a", lambda found: found.pid == pid).exiting
    scan.control("a", "d")
    scan.state("a", "gone")
    gone(pid)


@pytest.mark.parametrize("name", ["a", "a/log"])
def test_the_last_leftover_of_one_that_is_to_exit(scan: Scan, name: str) -> None:
    """Nothing is left to wait for: its supervision ends at once. As a link is there, it is taken up
    afresh."""
    slow = Slow(scan)
    directory = scan.add("a", log__run=SLEEPER)
    program(directory / name[2:] / "run", "#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n")
    (directory / name[2:] / "leftovers").write_text("wait\n")
    scan.start()
    pids = {one: scan.up(one) for one in ("a", "a/log")}
    eventually(lambda: len(list(scan.ours())) == 3, "its child is there")
    (left,) = set(scan.ours()) - set(pids.values())
    scan.control(name, "x")
    end(pids[name])
    scan.until(name, lambda found: found.state == "leftovers" and found.exiting)
    with slow.upgrade():
        end(left)
    after = {one: scan.up(one, beside=pids[name]) for one in ("a", "a/log")}
    assert {one for one in after if after[one] != pids[one]} == {name}
    assert "fault" not in scan.said()


def test_a_service_without_a_link(scan: Scan) -> None:
    slow = Slow(scan)
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    (scan.home / "a").unlink()
    with slow.upgrade():
        pass
    scan.control("a", "t")
    scan.up("a", beside=pid)


def test_a_service_that_comes_and_one_that_is_being_filled(scan: Scan) -> None:
    """What is not complete is not taken for complete."""
    slow = Slow(scan)
    scan.add("a")
    scan.start()
    scan.up("a")
    with slow.upgrade():
        scan.add("b")
        filled = scan.home / "c"
        filled.mkdir()
        (filled / "run").write_text("#!/bin/sh\nexec sleep 1000\n")
        (filled / "run").chmod(0o755)
    (filled / "down").touch()
    scan.up("b")
    state = filled / "supervise/state"
    eventually(state.exists, "it is supervised")
    assert not instances_below(filled)


def instances_below(directory: Path) -> list[int]:
    return [pid for pid in processes.all_pids() if works_in(pid, directory)]


def test_readiness(scan: Scan) -> None:
    """The newline comes while nobody reads, and the service closes its end."""
    slow = Slow(scan)
    gate = Gate(scan.services / "gate")
    run = f"#!/bin/sh\n{gate.wait}\necho >&3\nexec 3>&-\necho >../said\nexec sleep 1000\n"
    scan.add("a", run, notification_fd="3\n")
    scan.start()
    scan.until("a", lambda found: found.pid)
    with slow.upgrade():
        gate.open()
        eventually((scan.services / "said").exists, "it has said so")
    scan.until("a", lambda found: found.readiness == "ready")


def test_a_pause(scan: Scan) -> None:
    slow = Slow(scan)
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.control("a", "p")
    scan.until("a", lambda found: found.paused)
    with slow.upgrade():
        pass
    assert scan.until("a", lambda found: found.pid == pid).paused


@pytest.mark.parametrize("when", ["meanwhile", "after"])
def test_a_finish_that_runs(scan: Scan, when: str) -> None:
    slow = Slow(scan)
    gate = Gate(scan.services / "gate")
    finish = f"#!/bin/sh\necho $1 $2 >>../finished\n{gate.wait}\necho >../through\nexit 125\n"
    scan.add("a", finish=finish)
    scan.start()
    os.kill(scan.up("a"), signal.SIGKILL)
    eventually((scan.services / "finished").exists, "it runs")
    helper = scan.state("a", "finishing").helper_pid
    with slow.upgrade():
        if when == "meanwhile":
            gate.open()
            gone(helper)
    if when == "after":
        gate.open()
    assert scan.state("a", "down").failed, "its exit code is known"
    assert (scan.services / "finished").read_text() == "256 9\n"


@pytest.mark.parametrize("when", ["meanwhile", "after"])
def test_a_start_check_that_runs(scan: Scan, when: str) -> None:
    """It is not run again, and what it prints is not lost."""
    slow = Slow(scan)
    gate = Gate(scan.services / "gate")
    said = scan.services / "checked"
    check = f"#!/bin/sh\nprintf 'not '\necho >>{said}\n{gate.wait}\necho today\nexit 1\n"
    scan.add("a", start_check=check, backoff__first="60\n")
    scan.start()
    eventually(said.exists, "it runs")
    helper = scan.state("a", "checking").helper_pid
    with slow.upgrade():
        if when == "meanwhile":
            gate.open()
            gone(helper)
    if when == "after":
        gate.open()
    assert scan.state("a", "waiting").reason == "not today"
    assert said.read_text() == "\n"


def test_a_path_that_is_watched(scan: Scan) -> None:
    slow = Slow(scan)
    wanted = scan.services / "wanted"
    check = f"#!/bin/sh\n[ -e {wanted} ]\n"
    scan.add("a", start_check=check, watch=f"{wanted}\n", backoff__first="1000\n")
    scan.start()
    scan.state("a", "waiting")
    with slow.upgrade():
        wanted.touch()
    scan.up("a")


def leaver(scan: Scan) -> tuple[int, Gate]:
    """A service whose leftovers are waited for: its pid, and the gate at which its child waits."""
    gate = Gate(scan.services / "gate")
    run = f"#!/bin/sh\n( {gate.wait} ) &\necho $$ >>../begun\nexec sleep 1000\n"
    scan.add("a", run, leftovers="wait\n")
    scan.start()
    eventually((scan.services / "begun").exists, "it has begun")
    return scan.up("a"), gate


def test_a_dead_leader_that_is_kept_for_its_leftovers(scan: Scan) -> None:
    slow = Slow(scan)
    pid, gate = leaver(scan)
    os.kill(pid, signal.SIGKILL)
    scan.state("a", "leftovers")
    with slow.upgrade():
        pass
    with slow.upgrade():
        pass
    served(scan, "a")
    known = processes.facts(pid)
    assert known is not None
    assert known.state == b"Z"
    gate.open()
    scan.up("a", beside=pid)
    assert processes.facts(pid) is None


def test_a_dead_leader_that_nobody_wants_kept_any_more(scan: Scan) -> None:
    slow = Slow(scan)
    pid, gate = leaver(scan)
    os.kill(pid, signal.SIGKILL)
    scan.state("a", "leftovers")
    with slow.upgrade():
        (scan.services / "a/leftovers").unlink()
    scan.up("a", beside=pid)
    eventually(lambda: processes.facts(pid) is None, "the dead leader is reaped")
    gate.open()


def test_a_leader_that_dies_meanwhile_is_kept_for_its_leftovers(scan: Scan) -> None:
    slow = Slow(scan)
    pid, gate = leaver(scan)
    with slow.upgrade():
        os.kill(pid, signal.SIGKILL)
    assert scan.state("a", "leftovers").deaths[0].status == -9
    assert processes.facts(pid) is not None
    gate.open()
    scan.up("a", beside=pid)


def test_an_adopted_instance(scan: Scan) -> None:
    """It is not our child; where the kernel tells its exit code, it is known all the same."""
    slow = Slow(scan)
    scan.add("a", SEVEN)
    scan.start()
    pid = scan.up("a")
    eventually((scan.services / "trapped").exists, "it traps TERM")
    replace_svscan(scan, "a")
    with slow.upgrade():
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: processes.facts(pid) is None, "whoever is its parent reaps it")
    found = scan.until("a", lambda found: found.deaths)
    release = tuple(int(number) for number in os.uname().release.split(".")[:2])
    assert found.deaths[0].status == (7 if release >= (6, 15) else UNKNOWN)
    scan.up("a", beside=pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_order_to_end(scan: Scan, number: signal.Signals) -> None:
    slow = Slow(scan)
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    assert scan.svscan is not None
    with slow.upgrade():
        scan.svscan.send_signal(number)
    assert scan.svscan.wait(30) == 0
    assert not living(pid)


def test_a_hangup(scan: Scan) -> None:
    slow = Slow(scan)
    scan.add("a")
    scan.start()
    scan.up("a")
    assert scan.svscan is not None
    with slow.upgrade():
        scan.svscan.send_signal(signal.SIGHUP)
    scan.add("b")
    scan.up("b")
    assert scan.svscan.poll() is None


def test_log_lines(scan: Scan) -> None:
    """Service and logger die meanwhile: what lies in the pipe stays there."""
    slow = Slow(scan)
    gate = Gate(scan.services / "gate")
    run = f"#!/bin/sh\n{gate.wait}\nseq 1000\necho >../written\nexec sleep 1000\n"
    scan.add("a", run, log__run="#!/bin/sh\nexec cat >>../../lines\n")
    scan.start()
    pids = scan.up("a"), scan.up("a/log")
    with slow.upgrade():
        end(pids[1])
        gate.open()
        eventually((scan.services / "written").exists, "it has written")
        end(pids[0])
    lines = scan.services / "lines"
    wanted = "".join(f"{number}\n" for number in range(1, 1001))
    eventually(lambda: lines.read_text() == wanted, "all lines")


def test_a_svscan_that_waits_for_another(scan: Scan, tmp_path: Path) -> None:
    scan.add("a")
    first = scan.start()
    pid = scan.up("a")
    second = scan.start()
    scan.says("another svscan has")
    ask(scan)
    eventually(lambda: scan.said().count("another svscan has") == 2, scan.said)
    first.kill()
    first.wait()
    scan.says("upgraded in place")
    taken_up(scan, "a")
    assert scan.up("a") == pid
    assert second.poll() is None


def test_a_lone_supervise(scan: Scan) -> None:
    directory = scan.service("a", SEVEN)
    installed = Installed(scan.home.parent, "supervise")
    supervise = scan.launch(installed.program, "services/a", cwd=scan.home.parent)
    pid = scan.up("a")
    eventually((scan.services / "trapped").exists, "it traps TERM")
    upgrade(scan)
    upgrade(scan, 2)
    assert Path(f"/proc/{supervise.pid}/comm").read_text() == "supervise\n"
    assert scan.up("a") == pid
    scan.control("a", "t")
    assert scan.until("a", lambda found: found.deaths).deaths[0].status == 7
    assert not Path(directory / "noted").exists()
    assert scan.stop() == 0
