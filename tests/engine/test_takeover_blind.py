"""What cannot be looked at is not taken for gone: no second instance, whatever file cannot be
opened just now."""

import contextlib
import fcntl
import os
import shutil
import signal
from pathlib import Path

import pytest

from supervise.engine import processes
from supervise.protocol import record
from tests.support.gate import instances, only_instance, replace_svscan, served
from tests.support.scan import SLEEPER, Scan, eventually
from tests.support.trace import strace

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
NAMES = [f"n{number}" for number in range(20)]
FULL = "process cannot open more files"


def test_we_hold_more_descriptors_than_a_service_may(scan: Scan) -> None:
    """While something is started for which our limit is lowered, we can open nothing. Some of the
    starts fall on two ticks of the clock, and then they are to be read."""
    for name in NAMES:
        scan.add(name, notification_fd="5\n")
    ulimit = f'ulimit -S -n 20; exec "{scan.program}" "{scan.home}"'
    scan.launch("sh", "-c", ulimit)
    before = [scan.up(name) for name in NAMES]
    assert [scan.state(name, "up").ticks for name in NAMES] == [
        processes.start_of(pid) for pid in before
    ]
    replace_svscan(scan, *NAMES)
    assert [instances(scan, name) for name in NAMES] == [[pid] for pid in before]


@pytest.mark.parametrize("run", [SLEEPER, "#!/bin/sh\nexec env -i sleep 1000\n"])
def test_a_start_that_could_not_be_read(scan: Scan, run: str) -> None:
    """The nonce in its environment tells who it is; where it has none, nobody knows."""
    directory = scan.add("a", run)
    scan.start()
    pid = scan.up("a")
    scan.kill()
    found = scan.state("a", "up")
    found.ticks = 0
    (directory / "supervise/state").write_bytes(record.pack(found))
    scan.start()
    if run == SLEEPER:
        assert only_instance(scan, "a") == pid
        assert scan.until("a", lambda found: found.ticks).pid == pid
    else:
        scan.says(f"pid {pid} runs here and may or may not be this service: not started")
        os.kill(pid, signal.SIGKILL)


@needs_strace
@pytest.mark.parametrize("call", ["pidfd_open", "openat"])
def test_the_process_cannot_be_looked_at(scan: Scan, call: str) -> None:
    """Said, and tried again."""
    scan.add("a")
    scan.add("b")
    scan.start()
    pids = scan.up("a"), scan.up("b")
    scan.kill()
    where = [] if call == "pidfd_open" else ["-P", f"/proc/{pids[0]}/stat"]
    inject = f"inject={call}:error=EMFILE:when=1"
    scan.launch(
        "strace", "-D", "-qq", "-o", os.devnull, *where, "-e", inject, scan.program, scan.home
    )
    scan.says(f"unable to supervise a: {FULL}")
    assert only_instance(scan, "b") == pids[1]
    assert instances(scan, "a") == [pids[0]]
    scan.send(signal.SIGHUP)
    assert only_instance(scan, "a") == pids[0]


@needs_strace
def test_what_is_left_cannot_be_looked_at(scan: Scan) -> None:
    """Then it may still be there: the next instance waits."""
    scan.add("a", "#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n", leftovers="kill\n")
    scan.start()
    first = scan.up("a")
    left = eventually(lambda: processes.session_members(first), "its child")
    with strace(scan, "-o", os.devnull, "-e", "inject=pidfd_open:error=EMFILE:when=1..2"):
        os.kill(first, signal.SIGKILL)
        scan.up("a", beside=first)
    assert processes.facts(left[0]) is None


@needs_strace
def test_a_check_for_which_there_is_no_descriptor(scan: Scan) -> None:
    scan.add("a", start_check="#!/bin/sh\nexit 0\n", down="")
    scan.start()
    served(scan, "a")
    with strace(scan, "-o", os.devnull, "-e", "inject=pipe2:error=EMFILE:when=1"):
        scan.control("a", "u")
        scan.says(f"unable to start a/start-check: {FULL}")
        scan.up("a")
    assert "set aside" not in scan.said()


@needs_strace
@pytest.mark.parametrize("file", ["state", "control"])
def test_one_without_its_link_is_not_forgotten(scan: Scan, file: str) -> None:
    scan.add("other")
    directory = scan.add("a")
    scan.start()
    pid = scan.up("a")
    (scan.home / "a").unlink()
    scan.kill()
    path = str(directory / "supervise" / file)
    fault = ("-P", path, "-e", "inject=openat:error=EMFILE:when=1")
    scan.launch("strace", "-D", "-qq", "-o", os.devnull, *fault, scan.program, scan.home)
    scan.says(f"svscan: warning: unable to supervise {directory}: ")
    scan.control("a", "t")
    scan.up("a", beside=pid)


@pytest.mark.parametrize("linked", [True, False])
def test_nothing_of_a_busy_one_is_kept_open(scan: Scan, linked: bool) -> None:
    """Another supervisor may have both, and for long."""
    directory = scan.add("a", log__run=SLEEPER)
    scan.add("other")
    scan.start()
    scan.up("a/log")
    scan.kill()
    if not linked:
        (scan.home / "a").unlink()
    with contextlib.ExitStack() as held:
        for place in (directory, directory / "log"):
            lock = held.enter_context((place / "supervise/lock").open("ab"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        svscan = scan.start()
        scan.says("waiting for it")
        served(scan, "other")
        pipe = str(directory / "supervise/stdout")
        ours = Path(f"/proc/{svscan.pid}/fd")
        assert pipe not in [os.readlink(fd) for fd in ours.iterdir()]
