"""Instances that no record tells of: svscan died before it had written it, or somebody removed or
spoilt what was written."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from supervise.protocol import record, status, tai64n
from tests.support.gate import instances, replace_svscan, served
from tests.support.heritage import Sleeper
from tests.support.scan import DEADLINE, Scan, eventually
from tests.support.trace import strace

# It came and went, and svscan was killed before it had recorded its pid

RUN = "#!/bin/sh\necho $$ >>../begun\nexit 3\n"
FINISH = "#!/bin/sh\necho $1 $2 >>../finished\n"


def words(scan: Scan, name: str) -> list[str]:
    path = scan.services / name
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("letter", ["u", "o"])
def test_it_ended_before_its_pid_was_recorded(scan: Scan, letter: str) -> None:
    """Its `finish` is run, and what is wanted once is not run twice."""
    directory = scan.add("a", RUN, finish=FINISH, down="")
    scan.start()
    scan.state("a", "down")
    served(scan, "a")
    state = str(directory / "supervise/state")
    second = "inject=pwrite64:signal=SIGKILL:when=2"  # the first one was the intent
    with strace(scan, "-o", os.devnull, "-P", state, "-e", second):
        scan.control("a", letter)
        assert scan.svscan is not None
        scan.svscan.wait(DEADLINE)
    eventually(lambda: words(scan, "begun"), "it was there")
    eventually(lambda: not instances(scan, "a"), "it is gone")
    scan.start()
    if letter == "u":
        eventually(lambda: len(words(scan, "begun")) > 1, "the next one")
        scan.control("a", "d")
    found = scan.until("a", lambda found: found.state == "down" and found.deaths)
    begun, finished = words(scan, "begun"), words(scan, "finished")
    assert len(begun) == len(finished) == found.starts == len(found.deaths)
    assert finished[0] == "256 0"
    assert (len(begun) == 1) == (letter == "o")


def test_one_that_is_wanted_once_and_tells_by_descriptor_3(scan: Scan) -> None:
    """Which is also the first one that is free to show with that it has begun."""
    run = "#!/bin/sh\necho >&3\nexec sleep 1000\n"
    scan.add("a", run, notification_fd="3\n", down="")
    scan.start()
    scan.state("a", "down")
    scan.control("a", "o")
    scan.until("a", lambda found: found.readiness == "ready")


# It runs, and what was written is gone or wrong


def no_supervise(directory: Path, stranger: int) -> None:
    shutil.rmtree(directory / "supervise")


def no_state_and_down(directory: Path, stranger: int) -> None:
    (directory / "supervise/state").unlink()
    classic = status.pack(tai64n.pack(time.time_ns()), 0, False, "up")
    (directory / "supervise/status").write_bytes(classic)


def another_boot(directory: Path, stranger: int) -> None:
    state = directory / "supervise/state"
    found = record.unpack(state.read_bytes())
    found.boot = os.urandom(16)
    state.write_bytes(record.pack(found))


def noise_and_a_stranger(directory: Path, stranger: int) -> None:
    (directory / "supervise/state").write_bytes(b"noise")
    long_ago = tai64n.pack(time.time_ns() - 9000 * 10**9)
    classic = status.pack(long_ago, stranger, False, "up")
    (directory / "supervise/status").write_bytes(classic)


@pytest.mark.parametrize(
    "spoil", [no_supervise, no_state_and_down, another_boot, noise_and_a_stranger]
)
def test_no_second_one_is_started(
    scan: Scan, sleeper: Sleeper, spoil: Callable[[Path, int], None]
) -> None:
    """It is known by its directory and by the nonce that it was given."""
    directory = scan.add("a")
    scan.add("b")
    stranger = sleeper(scan.home)
    scan.start()
    pid, other = scan.up("a"), scan.up("b")
    served(scan, "a")
    served(scan, "b")
    replace_svscan(scan, "a", "b", meanwhile=lambda: spoil(directory, stranger.pid))
    scan.says(f"pid {pid} runs here and may or may not be this service: not started")
    assert instances(scan, "a") == [pid]
    assert scan.up("b") == other
    assert stranger.poll() is None
    scan.control("a", "u")
    assert scan.up("a") != pid
