"""What a service is started with: nothing of ours."""

import contextlib
import os
import resource
import subprocess
from pathlib import Path

import pytest

from supervise.engine import processes
from tests.support.probe import became
from tests.support.scan import BIN, SLEEPER, Scan, eventually


def start_through(scan: Scan, script: str) -> None:
    """A svscan that a shell script turns into, with what the script set up."""
    with scan.messages.open("ab") as err:
        scan.svscan = subprocess.Popen(
            ["sh", "-c", f'{script}\nexec "$@"', "sh", BIN / "svscan", scan.home],
            stdin=subprocess.DEVNULL,
            stderr=err,
        )


def running(scan: Scan, name: str, program: str = "sleep") -> int:
    """The pid of a service that is through with its script."""
    pid = scan.up(name)
    became(pid, program)
    return pid


def descriptors(pid: int) -> dict[int, str]:
    where = Path(f"/proc/{pid}/fd")
    found = {}
    for name in os.listdir(where):
        with contextlib.suppress(FileNotFoundError):
            found[int(name)] = os.readlink(where / name)
    return found


def has_just(pid: int, *numbers: int) -> dict[int, str]:
    """Wait until these are its descriptors: a program that begins opens its libraries."""
    wanted = set(numbers)
    eventually(lambda: set(descriptors(pid)) == wanted, lambda: f"{wanted}: {descriptors(pid)}")
    return descriptors(pid)


INTERNAL = 1 << 31 | 1 << 32
"""Signals 32 and 33 are glibc's own: its posix_spawn leaves them ignored, unseen by all."""


def masks(pid: int) -> dict[str, int]:
    """Signals blocked, ignored and caught."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = dict(line.split(":\t", 1) for line in lines if line.startswith("Sig"))
    return {name: int(found[name], 16) & ~INTERNAL for name in ("SigBlk", "SigIgn", "SigCgt")}


NO_SIGNALS = {"SigBlk": 0, "SigIgn": 0, "SigCgt": 0}


def test_descriptors(scan: Scan) -> None:
    for number in range(5):
        scan.add(f"plain-{number}")
        scan.add(f"logged-{number}", log__run=SLEEPER)
    scan.start()
    names = [f"{kind}-{number}" for number in range(5) for kind in ("plain", "logged")]
    names += [f"logged-{number}/log" for number in range(5)]
    for name in names:
        has_just(running(scan, name), 0, 1, 2)


def test_the_descriptors_of_a_service_and_its_logger(scan: Scan) -> None:
    scan.add("a", log__run=SLEEPER)
    scan.start()
    pipe = str(scan.services / "a/supervise/stdout")
    assert descriptors(running(scan, "a"))[1] == pipe
    logger = running(scan, "a/log")
    assert descriptors(logger)[0] == pipe
    assert os.readlink(f"/proc/{logger}/fd/2") == str(scan.messages)
    flags = Path(f"/proc/{logger}/fdinfo/0").read_text().split("flags:")[1].split()[0]
    assert int(flags, 8) & os.O_NONBLOCK == 0


def test_a_notification_fd_above_the_limit(scan: Scan) -> None:
    """That of the services: ours may be higher."""
    fast = {"backoff__first": "0.1\n", "backoff__max": "0.1\n"}
    directory = scan.add("a", notification_fd="200\n", **fast)
    start_through(scan, "ulimit -Sn 200")
    found = scan.until("a", lambda found: found.failures >= 2)
    assert found.reason == (
        "unable to start a/run: notification-fd is 200, and the limit of open files 200:"
        " take a lower number, or raise the limit (ulimit -n)"
    )
    assert scan.said().splitlines() == [f"supervise: fatal: {found.reason}"]
    (directory / "notification-fd").write_text("199\n")
    has_just(running(scan, "a"), 0, 1, 2, 199)


@pytest.mark.parametrize("logged", [False, True])
def test_notification_fd_may_have_any_number(scan: Scan, logged: bool) -> None:
    """Also that of a descriptor of ours: what it was is not mixed into it."""
    log = {"log__run": SLEEPER} if logged else {}
    numbers = [*range(3, 24), 100, 200]
    for number in numbers:
        run = f"#!/bin/sh\necho out\necho err >&2\necho >/proc/self/fd/{number}\nexec sleep 1000\n"
        scan.add(f"n{number}", run, notification_fd=f"{number}\n", **log)
    scan.start()
    for number in numbers:
        name = f"n{number}"
        pid = running(scan, name)
        found = has_just(pid, 0, 1, 2, number)
        assert found[number] == str(scan.services / name / "supervise/ready")
        scan.until(name, lambda kept: kept.readiness == "ready")
        if logged:
            assert found[1] == str(scan.services / name / "supervise/stdout")


def test_helpers_get_no_descriptors_of_ours_either(scan: Scan) -> None:
    scan.add("a", start_check=SLEEPER, notification_fd="7\n", log__run=SLEEPER)
    scan.add("b", finish=SLEEPER, notification_fd="7\n", log__run=SLEEPER, timeout_finish="0\n")
    scan.start()
    check = scan.until("a", lambda found: found.helper_pid).helper_pid
    became(check, "sleep")
    has_just(check, 0, 1, 2)
    assert masks(check) == NO_SIGNALS
    scan.up("b")
    scan.control("b", "d")
    finish = scan.until("b", lambda found: found.helper_pid).helper_pid
    became(finish, "sleep")
    has_just(finish, 0, 1, 2)
    assert masks(finish) == NO_SIGNALS


def test_watching_adds_no_descriptor(scan: Scan) -> None:
    scan.add("a", start_check="#!/bin/sh\nexit 0\n", watch="../watched\n")
    scan.start()
    pid = running(scan, "a")
    has_just(pid, 0, 1, 2)
    scan.control("a", "t")
    again = scan.up("a", beside=pid)
    became(again, "sleep")
    has_just(again, 0, 1, 2)


def test_signals(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    assert masks(running(scan, "a")) == NO_SIGNALS


def test_signals_that_svscan_was_started_with(scan: Scan) -> None:
    """Ignored ones, as nohup leaves them, and CHLD, which would lose every exit status."""
    scan.add("a")
    start_through(scan, "trap '' HUP INT QUIT USR1 CHLD TSTP")
    assert masks(running(scan, "a")) == NO_SIGNALS
    pid = scan.up("a")
    scan.control("a", "k")
    scan.up("a", beside=pid)
    assert scan.until("a", lambda found: found.deaths).deaths[0].status == -9


def test_a_limit_that_svscan_raises_for_itself_is_put_back(scan: Scan) -> None:
    scan.add("a")
    start_through(scan, "ulimit -S -n 256")
    svscan = scan.svscan
    assert svscan is not None
    pid = running(scan, "a")
    hard = resource.prlimit(svscan.pid, resource.RLIMIT_NOFILE)[1]
    assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (256, hard)
    assert resource.prlimit(svscan.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    scan.control("a", "t")
    again = scan.up("a", beside=pid)
    assert resource.prlimit(again, resource.RLIMIT_NOFILE) == (256, hard)


def test_services_start_when_we_hold_more_descriptors_than_they_may(scan: Scan) -> None:
    names = [f"n{number}" for number in range(10)]
    for name in names:
        scan.add(name, notification_fd="5\n", log__run=SLEEPER)
    start_through(scan, "ulimit -S -n 20")
    for name in names:
        pid = running(scan, name)
        has_just(pid, 0, 1, 2, 5)
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] == 20
        running(scan, f"{name}/log")


def test_all_other_limits_are_those_of_svscan(scan: Scan) -> None:
    scan.add("a")
    start_through(scan, "ulimit -S -c 0; ulimit -S -s 4096")
    svscan = scan.svscan
    assert svscan is not None
    pid = running(scan, "a")
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_STACK, resource.RLIMIT_NPROC):
        assert resource.prlimit(pid, kind) == resource.prlimit(svscan.pid, kind)
    assert resource.prlimit(pid, resource.RLIMIT_STACK)[0] == 4096 * 1024


def test_its_own_session_and_its_directory(scan: Scan) -> None:
    scan.add("a", log__run=SLEEPER)
    scan.start()
    for name in ("a", "a/log"):
        pid = running(scan, name)
        known = processes.facts(pid)
        assert known is not None
        assert known.session == pid == os.getpgid(pid)
        assert os.readlink(f"/proc/{pid}/cwd") == str(scan.services / name)
        assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x001000\x00"


def test_it_is_called_as_0_76_calls_it(scan: Scan) -> None:
    scan.add("a", '#!/bin/sh\necho "$0 $#" >../called\nexec sleep 1000\n')
    scan.start()
    called = scan.services / "called"
    eventually(lambda: called.exists() and called.read_text() == "./run 0\n", "./run alone")


def test_the_environment_is_that_of_svscan(scan: Scan) -> None:
    scan.add("a")
    start_through(
        scan, "export SOME=thing NOTIFY_SOCKET=/nowhere WATCHDOG_USEC=9000000 WATCHDOG_PID=1"
    )
    pid = running(scan, "a")
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert b"SOME=thing" in entries
    names = {entry.split(b"=")[0] for entry in entries}
    assert not names & {b"NOTIFY_SOCKET", b"WATCHDOG_USEC", b"WATCHDOG_PID"}


def test_descriptors_that_were_closed_are_opened_on_dev_null(scan: Scan) -> None:
    scan.add("a", log__run=SLEEPER)
    start_through(scan, "exec 0<&- 1<&- 2<&-")
    found = has_just(running(scan, "a"), 0, 1, 2)
    assert (found[0], found[2]) == ("/dev/null", "/dev/null")
    has_just(running(scan, "a/log"), 0, 1, 2)


def test_svscan_leaves_no_descriptors_open_for_what_is_over(scan: Scan) -> None:
    scan.add("a", start_check="#!/bin/sh\nexit 0\n", finish="#!/bin/sh\n", notification_fd="5\n")
    scan.start()
    svscan = scan.svscan
    assert svscan is not None
    pid = running(scan, "a")
    before = len(descriptors(svscan.pid))
    for _ in range(10):
        scan.control("a", "t")
        pid = scan.up("a", beside=pid)
    became(pid, "sleep")
    eventually(lambda: len(descriptors(svscan.pid)) <= before, "none is left of ten starts")
