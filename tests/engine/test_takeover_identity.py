"""Whose process is it? Records made by hand, of processes that the test started itself.

Nothing here is ever told of a process that is not a child of the test.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervise.core.backoff import APART
from supervise.engine import processes
from supervise.protocol.record import UNKNOWN
from tests.support.bad import warnings
from tests.support.gate import end, gone, instances, living, replace_svscan, served, taken_up
from tests.support.heritage import (
    Debian,
    Sleeper,
    before,
    classic,
    classic_up,
    harmless,
    keep,
    supervised,
)
from tests.support.probe import shows
from tests.support.scan import BIN, Scan, eventually
from tests.support.trace import strace

NONCE = os.urandom(8)
"""Another one in each process that runs tests: all of /proc is searched for it."""


# An intent without a pid


def test_the_process_of_an_intent_is_found_by_its_nonce(scan: Scan, sleeper: Sleeper) -> None:
    directory = scan.service("a")
    child = sleeper(directory, NONCE)
    found = before(directory)
    found.nonce, found.intent = NONCE, True
    keep(directory, found)
    supervised(scan)
    assert scan.up("a") == child.pid
    after = scan.record("a")
    assert after is not None
    assert (after.ticks, after.session) == (processes.start_of(child.pid), child.pid)
    assert not scan.starts()
    replace_svscan(scan, "a")
    assert scan.up("a") == child.pid
    scan.control("a", "d")
    child.wait(30)
    assert scan.state("a", "down").deaths[0].asked


def test_a_member_of_its_session_is_not_the_process_of_an_intent(
    scan: Scan, sleeper: Sleeper
) -> None:
    """The nonce is in the environment of all that an instance starts."""
    directory = scan.service("a")
    child = sleeper(directory, NONCE, session=False)
    found = before(directory)
    found.nonce, found.intent = NONCE, True
    keep(directory, found)
    supervised(scan)
    assert scan.up("a") != child.pid
    assert child.poll() is None


def test_the_next_instance_is_found_where_the_recorded_one_died(
    scan: Scan, sleeper: Sleeper
) -> None:
    """A plain restart records nothing between the death and the start."""
    directory = scan.service("a")
    dead = sleeper(directory)
    child = sleeper(directory, NONCE)
    found = before(directory)
    found.pid, found.ticks, found.starts = dead.pid, processes.start_of(dead.pid), 4
    found.next_nonce = NONCE
    keep(directory, found)
    dead.kill()
    dead.wait()
    supervised(scan)
    assert scan.up("a") == child.pid
    after = scan.record("a")
    assert after is not None
    assert (after.starts, [death.status for death in after.deaths]) == (5, [UNKNOWN])
    assert (after.ticks, after.session) == (processes.start_of(child.pid), child.pid)
    assert not scan.starts()
    scan.control("a", "t")
    assert scan.up("a", beside=child.pid)
    assert living_with(NONCE) == []


def living_with(nonce: bytes) -> list[int]:
    found = processes.find_by_environment(b"SUPERVISE_NONCE=" + nonce.hex().encode())
    return [] if found is None else [found]


def test_one_that_is_being_executed_is_looked_at_again(tmp_path: Path) -> None:
    """Its arguments are there before its environment is."""
    then = f"export SUPERVISE_NONCE={NONCE.hex()}; exec sleep 1000"
    late = f"until [ -e late ]; do :; done; {then}"
    words = ["/bin/sh", "-c", late]
    with subprocess.Popen(words, cwd=tmp_path, env={}, start_new_session=True) as child:
        arguments = Path(f"/proc/{child.pid}/cmdline")
        eventually(lambda: arguments.read_bytes().startswith(b"/bin/sh\0"), "it waits")
        timer = threading.Timer(0.05, (tmp_path / "late").touch)
        timer.start()
        found = living_with(NONCE)
        timer.join()
        child.kill()
    assert found == [child.pid]


def test_the_next_instance_is_not_looked_for_while_the_recorded_one_lives(
    scan: Scan, sleeper: Sleeper
) -> None:
    directory = scan.service("a")
    alive = sleeper(directory)
    sleeper(directory, NONCE)
    found = before(directory)
    found.pid, found.ticks = alive.pid, processes.start_of(alive.pid)
    found.next_nonce = NONCE
    keep(directory, found)
    supervised(scan)
    assert scan.up("a") == alive.pid


def test_an_intent_that_never_began(scan: Scan) -> None:
    directory = scan.service("a")
    found = before(directory)
    found.nonce, found.intent, found.starts = NONCE, True, 4
    keep(directory, found)
    supervised(scan)
    scan.up("a")
    after = scan.record("a")
    assert after is not None
    assert (after.starts, after.deaths, after.failures) == (5, (), 0)
    eventually(lambda: len(scan.starts()) == 1, "one start")


def test_an_intent_of_finish_is_found_by_its_nonce(scan: Scan, sleeper: Sleeper) -> None:
    directory = scan.service("a", finish="#!/bin/sh\necho finish >>../finish\n")
    child = sleeper(directory, NONCE)
    found = before(directory)
    found.state, found.owed, found.helper_nonce = "finishing", True, NONCE
    keep(directory, found)
    supervised(scan)
    assert scan.until("a", lambda found: found.helper_pid).helper_pid == child.pid
    assert not instances(scan, "a")[1:]
    end(child.pid)
    scan.up("a")
    assert not (scan.services / "finish").exists()


def test_an_intent_of_finish_that_never_began(scan: Scan) -> None:
    directory = scan.service("a", finish="#!/bin/sh\necho finish >>../finish\n")
    found = before(directory)
    found.state, found.owed, found.helper_nonce = "finishing", True, NONCE
    found.deadline = time.monotonic()
    keep(directory, found)
    supervised(scan)
    scan.up("a")
    assert (scan.services / "finish").read_text() == "finish\n"


# Certainly not ours


def test_another_start_is_another_process(scan: Scan, sleeper: Sleeper) -> None:
    """The pid was used again."""
    directory = scan.service("a")
    child = sleeper(directory, NONCE)
    found = before(directory)
    found.pid, found.ticks, found.session = child.pid, processes.start_of(child.pid) - 1, child.pid
    keep(directory, found)
    supervised(scan)
    scan.up("a", beside=child.pid)
    after = scan.record("a")
    assert after is not None
    assert [death.status for death in after.deaths] == [UNKNOWN]
    harmless(scan, child)


def test_another_boot(scan: Scan, sleeper: Sleeper) -> None:
    """Same pid, same start, another boot: history is kept, what is wanted is not."""
    directory = scan.service("a")
    child = sleeper(scan.services)
    found = before(directory)
    found.pid, found.ticks = child.pid, processes.start_of(child.pid)
    found.boot, found.want, found.starts = bytes(16), "down", 8
    keep(directory, found)
    supervised(scan)
    scan.up("a", beside=child.pid)
    after = scan.record("a")
    assert after is not None
    assert (after.want, after.starts) == ("up", 9)
    harmless(scan, child)


def test_a_copied_service_directory(scan: Scan, sleeper: Sleeper) -> None:
    """`cp -a` of a supervised one: the original's process is not touched."""
    scan.add("original")
    scan.start()
    pid = scan.up("original")
    scan.kill()
    copy = scan.services / "a"
    shutil.copytree(
        scan.services / "original", copy, ignore=shutil.ignore_patterns("ok", "control")
    )
    scan.link("a")
    scan.start()
    mine = scan.up("a", beside=pid)
    assert scan.up("original") == pid
    scan.says("was copied from elsewhere")
    for letters in ("t", "dx"):
        scan.control("a", letters)
    gone(mine)
    assert living(pid)


def test_a_copy_with_a_classic_status_only(scan: Scan, sleeper: Sleeper) -> None:
    original = scan.service("original")
    child = sleeper(original)
    classic(original, child.pid)
    shutil.copytree(original, scan.services / "a")
    supervised(scan)
    scan.up("a", beside=child.pid)
    harmless(scan, child)


def test_a_thread_is_no_process(scan: Scan) -> None:
    code = (
        "import threading, time\n"
        "other = threading.Thread(target=time.sleep, args=(1000,), daemon=True)\n"
        "other.start()\n"
        "print(other.native_id, flush=True)\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            thread = int(child.stdout.readline())
            directory = scan.service("a")
            found = before(directory)
            found.pid, found.ticks = thread, processes.start_of(thread)
            assert found.ticks
            keep(directory, found)
            supervised(scan)
            scan.up("a", beside=thread)
            harmless(scan, child)
        finally:
            child.kill()


def test_the_parent_of_svscan_is_no_service(scan: Scan) -> None:
    """Even where all of the record agrees: the test itself is the parent here."""
    directory = scan.service("a")
    found = before(directory)
    found.pid, found.ticks = os.getpid(), processes.start_of(os.getpid())
    keep(directory, found)
    supervised(scan)
    assert scan.up("a") != os.getpid()


# What is not usable


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:500],
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: bytes(1024),
        lambda data: os.urandom(1024),
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: data[:8] + b"\2\0" + data[10:],
    ],
    ids=["half", "a byte less", "empty", "zeros", "noise", "a bit", "version"],
)
def test_a_spoilt_record_falls_back_on_the_classic_status(
    scan: Scan, spoil: Callable[[bytes], bytes]
) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    shows(scan, "a", pid, b"u")
    state = scan.services / "a/supervise/state"

    def spoilt() -> None:
        state.write_bytes(spoil(state.read_bytes()))

    replace_svscan(scan, "a", meanwhile=spoilt)
    assert scan.up("a") == pid
    assert instances(scan, "a") == [pid]


def test_a_start_under_way_that_a_record_of_another_version_may_tell_of(
    scan: Scan, sleeper: Sleeper
) -> None:
    """`status` does not know of it yet: never two, so somebody has to decide."""
    directory = scan.service("a")
    found = before(directory)
    found.intent, found.nonce = True, NONCE
    keep(directory, found)
    state = directory / "supervise/state"
    data = state.read_bytes()
    state.write_bytes(data[:8] + b"\2\0" + data[10:])
    child = sleeper(directory, NONCE)
    supervised(scan)
    taken_up(scan, "a")
    scan.says(f"pid {child.pid} runs here and may or may not be this service: not started")
    assert not scan.starts()
    scan.control("a", "u")
    scan.up("a", beside=child.pid)


def test_without_any_usable_heritage_it_is_started(scan: Scan) -> None:
    directory = scan.service("a")
    (directory / "supervise").mkdir(mode=0o700)
    (directory / "supervise/state").write_bytes(b"noise")
    (directory / "supervise/status").write_bytes(b"noise")
    supervised(scan)
    pid = scan.up("a")
    scan.says("supervise/state is not usable")
    assert warnings(scan, "a", 1) == ["supervise/state is not usable (cut short)"]
    end(pid)
    scan.up("a", beside=pid)
    assert warnings(scan, "a", 0) == []


@pytest.mark.parametrize("state", [b"", b"noise"])
def test_a_spoilt_record_and_a_spoilt_status(scan: Scan, state: bytes) -> None:
    """What runs is not started a second time, and one line says so."""
    directory = scan.add("a")
    scan.start()
    pid = scan.up("a")
    served(scan, "a")

    def spoilt() -> None:
        (directory / "supervise/state").write_bytes(state)
        (directory / "supervise/status").write_bytes(b"noise")

    replace_svscan(scan, "a", meanwhile=spoilt)
    scan.says(f"pid {pid} runs here and may or may not be this service: not started")
    assert instances(scan, "a") == [pid]


def test_a_status_of_debians_supervise_that_was_spoilt(scan: Scan, debian: Debian) -> None:
    directory = scan.service("a")
    other = debian(directory)
    pid = classic_up(directory)
    other.kill()
    other.wait(30)
    (directory / "supervise/status").write_bytes(b"noise")
    supervised(scan)
    taken_up(scan, "a")
    scan.says(f"pid {pid} runs here and may or may not be this service: not started")
    assert len(scan.starts()) == 1


# daemontools's own supervise before us, and after us


def test_debians_supervise_was_killed(scan: Scan, debian: Debian) -> None:
    directory = scan.service("a")
    other = debian(directory)
    pid = classic_up(directory)
    since = (directory / "supervise/status").read_bytes()[:12]
    other.kill()
    other.wait(30)
    supervised(scan)
    found = scan.until("a", lambda found: found.state == "up")
    assert (found.pid, found.since, found.want) == (pid, since, "up")
    assert len(scan.starts()) == 1
    replace_svscan(scan, "a")
    assert scan.up("a") == pid
    end(pid)
    scan.up("a", beside=pid)


def test_debians_supervise_lives_and_is_waited_for(scan: Scan, debian: Debian) -> None:
    directory = scan.service("a")
    other = debian(directory)
    pid = classic_up(directory)
    scan.link("a")
    scan.start()
    scan.says("unable to acquire a/supervise/lock: temporary failure, waiting for it")
    assert scan.record("a") is None
    other.kill()
    other.wait(30)
    assert scan.up("a") == pid
    assert len(scan.starts()) == 1


def test_debians_tools_read_what_we_took_over(scan: Scan, debian: Debian) -> None:
    directory = scan.service("a")
    other = debian(directory)
    pid = classic_up(directory)
    other.kill()
    other.wait(30)
    supervised(scan)
    scan.up("a")
    for svstat in ("/usr/bin/svstat", BIN / "svstat"):
        shown = subprocess.run([svstat, directory], capture_output=True, text=True, check=True)
        assert shown.stdout.startswith(f"{directory}: up (pid {pid}) ")


# Doubtful


def test_a_doubtful_process_is_left_alone_until_somebody_decides(
    scan: Scan, sleeper: Sleeper
) -> None:
    directory = scan.service("a")
    child = sleeper(directory)
    classic(directory, child.pid, seconds_ago=1000)
    supervised(scan)
    found = scan.until("a", lambda found: found.held)
    assert (found.state, found.pid) == ("down", 0)
    doubt = f"pid {child.pid} runs here and may or may not be this service: not started"
    assert scan.said().count(doubt) == 1
    for letters in ("t", "k", "p", "c", "d"):
        scan.control("a", letters)
    replace_svscan(scan, "a")
    scan.until("a", lambda found: found.held)
    assert not scan.starts()
    assert child.poll() is None
    scan.control("a", "u")
    mine = scan.up("a", beside=child.pid)
    harmless(scan, child)
    gone(mine)


@pytest.fixture
def wiped(scan: Scan) -> Iterator[int]:
    """An instance that has thrown its environment away, and whose supervisor died before it had
    recorded it."""
    directory = scan.add("a", "#!/bin/sh\nexec env -i sleep 1000\n")
    scan.start()
    first = scan.up("a")
    served(scan, "a")
    begun = scan.state("a", "up").started_at
    eventually(lambda: time.monotonic() > begun + APART, "the time at which it may restart at once")
    state = directory / "supervise/state"
    with strace(scan, "-P", str(state), "-e", "inject=openat:delay_enter=60000000"):
        end(first)
        pid = eventually(lambda: _nameless(directory), "an instance without environment")
        scan.send(signal.SIGKILL)
    scan.kill()
    yield pid
    scan.kill()
    while left := _nameless(directory):
        end(left)


def _nameless(directory: Path) -> int:
    found = directory.stat()
    for pid in processes.all_pids():
        here = processes.same_directory(pid, found.st_dev, found.st_ino)
        if here and b"sleep" in read(pid, "cmdline") and not read(pid, "environ"):
            return pid
    return 0


def read(pid: int, name: str) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def test_what_cannot_be_told_from_an_unrecorded_instance_is_doubtful(
    scan: Scan, wiped: int
) -> None:
    scan.start()
    scan.says(f"a: pid {wiped} runs here and may or may not be this service: not started")
    found = scan.until("a", lambda found: found.held)
    assert (found.state, found.pid, found.want) == ("down", 0, "up")
    assert living(wiped)
    end(wiped)
    scan.control("a", "u")
    second = eventually(lambda: _nameless(scan.services / "a"), "another one")
    scan.control("a", "d")
    gone(second)


def test_elsewhere_at_the_right_moment_is_doubtful_too(scan: Scan, sleeper: Sleeper) -> None:
    """A service may have changed its working directory."""
    directory = scan.service("a")
    child = sleeper(scan.services)
    classic(directory, child.pid)
    supervised(scan)
    scan.until("a", lambda found: found.held)
    assert not scan.starts()
    assert child.poll() is None


def test_elsewhere_at_another_moment_is_a_stranger(scan: Scan, sleeper: Sleeper) -> None:
    directory = scan.service("a")
    child = sleeper(scan.services)
    classic(directory, child.pid, seconds_ago=1000)
    supervised(scan)
    scan.up("a", beside=child.pid)
    harmless(scan, child)


def test_a_classic_process_that_is_wanted_down_is_adopted(scan: Scan, sleeper: Sleeper) -> None:
    """It was told to end, and has not yet: its death is final."""
    directory = scan.service("a")
    child = sleeper(directory)
    classic(directory, child.pid, want="down")
    supervised(scan)
    assert scan.until("a", lambda found: found.pid).pid == child.pid
    child.send_signal(signal.SIGTERM)
    child.wait(30)
    assert scan.until("a", lambda found: not found.pid).state == "down"
    assert not scan.starts()
