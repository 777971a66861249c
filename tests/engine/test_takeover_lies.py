"""Records and statuses that are not true: nobody is taken for an instance, nobody is signalled."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from supervise.engine import processes
from supervise.protocol import status
from supervise.protocol.record import UNKNOWN
from tests.soak import build
from tests.support.gate import gone, instances, taken_up
from tests.support.heritage import (
    Debian,
    Sleeper,
    Started,
    before,
    classic,
    classic_up,
    harmless,
    keep,
    supervised,
)
from tests.support.scan import BIN, Scan, eventually

WITH_THREAD = (
    "import threading, time\n"
    "other = threading.Thread(target=time.sleep, args=(1000,), daemon=True)\n"
    "other.start()\n"
    "print(other.native_id, flush=True)\n"
    "time.sleep(1000)\n"
)


# Who it names is not who it was


def test_what_another_machine_left(scan: Scan, sleeper: Sleeper) -> None:
    """Record and status, brought here with the directory; here the pid is somebody else, who works
    in that directory and began at that moment. The record says that it is from another boot."""
    directory = scan.service("a")
    child = sleeper(directory)
    found = before(directory)
    found.boot = os.urandom(16)
    found.pid, found.ticks, found.session = child.pid, processes.start_of(child.pid), child.pid
    keep(directory, found)
    classic(directory, child.pid)
    supervised(scan)
    mine = scan.up("a", beside=child.pid)
    harmless(scan, child)
    gone(mine)


def test_what_another_machine_left_with_another_inode(scan: Scan, sleeper: Sleeper) -> None:
    directory = scan.service("a")
    child = sleeper(directory)
    found = before(directory)
    found.inode += 1
    found.pid, found.ticks, found.session = child.pid, processes.start_of(child.pid), child.pid
    keep(directory, found)
    classic(directory, child.pid)
    supervised(scan)
    scan.up("a", beside=child.pid)
    scan.says("was copied from elsewhere")
    harmless(scan, child)


def test_a_zombie_is_nobody(scan: Scan) -> None:
    """Though pid, start and boot are right: it is dead, and not yet reaped by its parent."""
    directory = scan.service("a")
    with subprocess.Popen(["true"], cwd=directory, start_new_session=True) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        found = before(directory)
        found.pid, found.ticks, found.session = child.pid, processes.start_of(child.pid), child.pid
        keep(directory, found)
        supervised(scan)
        scan.up("a", beside=child.pid)
        after = scan.record("a")
        assert after is not None
        assert [death.status for death in after.deaths] == [UNKNOWN]


def test_a_classic_zombie_is_nobody(scan: Scan) -> None:
    directory = scan.service("a")
    with subprocess.Popen(["true"], cwd=directory) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        classic(directory, child.pid)
        supervised(scan)
        scan.up("a", beside=child.pid)


def test_a_classic_status_that_names_a_thread(scan: Scan) -> None:
    """It works here and began when the status says, but it is no process: left alone."""
    directory = scan.service("a")
    command = [sys.executable, "-c", WITH_THREAD]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            thread = int(child.stdout.readline())
            classic(directory, thread)
            supervised(scan)
            scan.until("a", lambda found: found.held)
            assert not scan.starts()
            scan.says(f"pid {thread} runs here and may or may not be this service: not started")
            scan.control("a", "u")
            scan.up("a", beside=thread)
            harmless(scan, child)
        finally:
            child.kill()


@pytest.mark.parametrize("pid", [2**32 - 1, 2**31, 2**31 - 1, 2**22 + 1])
@pytest.mark.parametrize("kind", ["record", "classic"])
def test_pids_that_cannot_be(scan: Scan, pid: int, kind: str) -> None:
    directory = scan.service("a")
    if kind == "classic":
        classic(directory, pid)
    else:
        found = before(directory)
        found.pid, found.ticks, found.session = pid, 1, pid
        found.state, found.helper_pid, found.helper_ticks = "stopping", pid, 1
        found.deadline, found.owed = 0.0, True
        keep(directory, found)
    supervised(scan)
    scan.up("a")
    assert "fault" not in scan.said()


def test_a_record_that_has_the_instance_of_another_service(scan: Scan) -> None:
    """Every number in it is right but for whose it is: its directory is another one."""
    scan.add("b")
    scan.start()
    pid = scan.up("b")
    scan.kill()
    directory = scan.service("a")
    other = scan.record("b")
    assert other is not None
    keep(directory, other)
    scan.link("a")
    scan.start()
    scan.says("was copied from elsewhere")
    mine = scan.up("a", beside=pid)
    assert scan.up("b") == pid
    scan.control("a", "dx")
    gone(mine)
    assert instances(scan, "b") == [pid]


# The clock on the wall


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process whose wall clock is an hour ahead."""
    where = tmp_path_factory.mktemp("clock")
    try:
        library = build.clock(where)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs a C compiler: {error}")
    (where / "offset").write_bytes(struct.pack("<q", 3600 * 10**9))
    return {"LD_PRELOAD": str(library), "SOAK_CLOCK": str(where / "offset")}


def start_later(scan: Scan, clock: dict[str, str]) -> Started:
    with scan.messages.open("ab") as err:
        scan.svscan = subprocess.Popen(
            [BIN / "svscan", scan.home],
            stdin=subprocess.DEVNULL,
            stderr=err,
            env=os.environ | clock,
        )
    return scan.svscan


def test_a_clock_that_was_stepped_is_nothing_to_our_own_record(
    scan: Scan, clock: dict[str, str]
) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    kept = scan.record("a")
    assert kept is not None
    scan.kill()
    start_later(scan, clock)
    taken_up(scan, "a")
    found = scan.record("a")
    assert found is not None
    assert (found.pid, found.since, found.started_at) == (pid, kept.since, kept.started_at)
    assert instances(scan, "a") == [pid]
    assert scan.said() == ""
    scan.control("a", "t")
    scan.up("a", beside=pid)


def test_a_clock_that_was_stepped_after_a_classic_start_is_doubtful(
    scan: Scan, clock: dict[str, str], debian: Debian
) -> None:
    """Not started twice, one line, and `svc -u` decides."""
    directory = scan.service("a")
    other = debian(directory)
    pid = classic_up(directory)
    eventually(scan.starts, "it has begun")
    other.kill()
    other.wait(30)
    scan.link("a")
    start_later(scan, clock)
    scan.until("a", lambda found: found.held)
    doubt = f"pid {pid} runs here and may or may not be this service: not started"
    assert scan.said().count(doubt) == scan.said().count("\n") == 1
    assert len(scan.starts()) == 1
    assert instances(scan, "a") == []  # it has no session of its own
    scan.control("a", "u")
    mine = scan.up("a", beside=pid)
    assert len(eventually(lambda: scan.starts()[1:], "the second")) == 1
    scan.control("a", "dx")
    gone(mine)
    known = processes.facts(pid)
    assert known is not None
    assert known.alive


# What Debian's supervise was doing when it died


def test_one_that_was_paused(scan: Scan, debian: Debian) -> None:
    """It stays so, until `svc -c`."""
    directory = scan.service("a")
    other = debian(directory)
    pid = classic_up(directory)
    scan.control("a", "p")
    path = directory / "supervise/status"
    eventually(lambda: status.unpack(path.read_bytes())[2], "it is paused")
    other.kill()
    other.wait(30)
    supervised(scan)
    found = scan.until("a", lambda found: found.state == "up")
    assert (found.pid, found.paused) == (pid, True)
    scan.control("a", "c")
    assert scan.until("a", lambda found: not found.paused).pid == pid
    assert len(scan.starts()) == 1


def test_one_that_was_down(scan: Scan, debian: Debian) -> None:
    """The `down` file decides then, as for any that is not running."""
    directory = scan.service("a")
    other = debian(directory)
    pid = classic_up(directory)
    scan.control("a", "d")
    path = directory / "supervise/status"
    eventually(lambda: status.unpack(path.read_bytes())[1] == 0, "it is down")
    other.kill()
    other.wait(30)
    (directory / "down").touch()
    supervised(scan)
    found = scan.until("a", lambda found: found.state == "down")
    assert (found.pid, found.want) == (0, "down")
    (directory / "down").unlink()
    scan.control("a", "u")
    scan.up("a", beside=pid)


def test_it_died_after_its_supervise(scan: Scan, debian: Debian) -> None:
    directory: Path = scan.service("a")
    other = debian(directory)
    pid = classic_up(directory)
    eventually(scan.starts, "it has begun")
    other.kill()
    other.wait(30)
    os.kill(pid, 9)
    gone(pid)
    supervised(scan)
    scan.up("a", beside=pid)
