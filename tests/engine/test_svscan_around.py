"""svscan and what surrounds it: descriptors, limits, signals, namespaces, the manager above it."""

import contextlib
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervise.engine import processes
from tests.support.gate import Gate, end, gone, living, replace_svscan, served, taken_up
from tests.support.probe import wakeups
from tests.support.scan import BIN, DEADLINE, SLEEPER, Scan, eventually
from tests.support.versions import upgrade

LOGGER = "#!/bin/sh\nexec cat >/dev/null\n"
LOOKING = """#!/bin/sh
ls -l /proc/self/fd >../fds
cat /proc/self/status >../status
env >../env.new; mv ../env.new ../env
exec sleep 1000
"""


def start(scan: Scan, *before: str, **how: object) -> "subprocess.Popen[bytes]":
    """svscan, started through the words of `before` and as Popen is told."""
    with scan.messages.open("ab") as err:
        defaults: dict[str, object] = {"stdin": subprocess.DEVNULL, "stderr": err}
        scan.svscan = subprocess.Popen(
            [*before, BIN / "svscan", scan.home],
            **(defaults | how),  # type: ignore[call-overload]
        )
    return scan.svscan


def descriptors(scan: Scan) -> int:
    assert scan.svscan is not None
    return len(os.listdir(f"/proc/{scan.svscan.pid}/fd"))


def seen_by_the_service(scan: Scan, name: str) -> str:
    path = scan.services / name
    return eventually(lambda: path.exists() and path.read_text(), f"{name} is written")


# inotify


def test_silent_file_systems_are_looked_at_by_the_clock(scan: Scan) -> None:
    """Some say nothing of what others change in them: as if inotify were deaf."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    deaf = ["strace", "-D", "-qq", "-o", os.devnull, "-e", "inject=inotify_add_watch:retval=1"]
    scan.add("a")
    with scan.messages.open("ab") as err:
        scan.svscan = subprocess.Popen(
            [*deaf, BIN / "svscan", "--interval=0.2", scan.home], stderr=err
        )
    served(scan, "a")
    scan.add("b")
    scan.up("b")
    directory = scan.home / "c"
    scan.service("c").rename(directory)
    (scan.services / "c").symlink_to(directory)
    scan.up("c")
    assert scan.stop() == 0


def test_a_broken_pyinotify_is_no_inotify(scan: Scan, tmp_path: Path) -> None:
    """It may be half installed at the very moment at which svscan is started."""
    (tmp_path / "pyinotify.py").write_text("import asyncore_of_old\n")
    scan.add("a")
    scan.launch(scan.program, scan.home, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    scan.says(": pyinotify: no module named 'asyncore_of_old'; scanning every 5 seconds")
    served(scan, "a")
    assert scan.stop() == 0


def test_without_inotify_it_looks_every_few_seconds(scan: Scan) -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    none = "inject=inotify_init,inotify_init1:error=EMFILE"
    scan.add("a")
    start(scan, "strace", "-D", "-qq", "-o", os.devnull, "-e", none)
    served(scan, "a")
    scan.says(": process cannot open more files; scanning every 5 seconds")
    scan.add("b")
    scan.up("b")
    assert scan.stop() == 0


def test_an_overflow_of_events_leads_to_a_full_scan(scan: Scan) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 100_000:
        pytest.skip("a very long queue")
    scan.add("a")
    svscan = scan.start()
    served(scan, "a")
    svscan.send_signal(signal.SIGSTOP)
    stopped(svscan.pid)
    for number in range(limit // 2 + 1):  # two events each
        path = scan.home / f".{number}"
        path.touch()
        path.unlink()
    scan.add("b")
    (scan.home / "a").unlink()
    svscan.send_signal(signal.SIGCONT)
    scan.up("b")


def stopped(pid: int) -> None:
    def look() -> bool:
        known = processes.facts(pid)
        return known is not None and known.state == b"T"

    eventually(look, "it is stopped")


# Descriptors and limits


@pytest.mark.parametrize("logged", [False, True])
def test_at_most_four_descriptors_a_service(scan: Scan, logged: bool) -> None:
    log = {"log__run": LOGGER} if logged else {}
    scan.add("s0", **log)
    scan.start()
    served(scan, "s0")
    names = [f"s{number}" for number in range(1, 11)]
    services = [*names, *(f"{name}/log" for name in names if logged)]
    with_one = descriptors(scan)
    for name in names:
        scan.add(name, **log)
    pids = {name: scan.up(name) for name in services}
    for name in services:
        served(scan, name)
    with_all = descriptors(scan)
    assert with_all - with_one <= 4 * len(services)
    for name, pid in pids.items():
        os.kill(pid, signal.SIGKILL)
        scan.up(name, beside=pid)
        served(scan, name)
    assert descriptors(scan) == with_all


def test_adopted_ones_have_no_more(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    served(scan, "a")
    before = descriptors(scan)
    replace_svscan(scan, "a")
    served(scan, "a")
    assert descriptors(scan) <= before + 1
    end(scan.up("a"))
    eventually(lambda: descriptors(scan) == before, "its pidfd is closed")


def test_near_the_limit_further_services_are_refused_by_name(scan: Scan) -> None:
    names = [f"s{number:02}" for number in range(40)]
    for name in names:
        scan.add(name)
    few = (120, 120)
    start(scan, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, few))
    scan.up("s00")
    scan.says(f"{names[-1]} is not supervised: too many open files, raise the limit (ulimit -n)")
    served(scan, "s00")
    refused = sorted(os.listdir(scan.home / ".svscan/refused"))
    taken = [name for name in names if name not in refused]
    assert len(taken) >= 10
    assert set(refused) == set(names) - set(taken)
    assert "too many open files" in (scan.home / ".svscan/refused" / refused[0]).read_text()
    for name in taken:
        pid = scan.up(name)
        os.kill(pid, signal.SIGKILL)
        scan.up(name, beside=pid)
    for name in taken[:5]:
        pid = scan.up(name)
        (scan.home / name).unlink()
        scan.control(name, "dx")
        gone(pid)
        scan.until(name, lambda found: found.ended == "stopped")
    assert scan.svscan is not None
    scan.svscan.send_signal(signal.SIGHUP)
    scan.up(refused[0])
    assert scan.stop() == 0
    assert not list(scan.ours())


def test_services_have_the_limits_and_descriptors_that_svscan_was_started_with(
    scan: Scan,
) -> None:
    scan.add("a", LOOKING.replace("env >", "ulimit -n >../limit; env >"))
    limits = (150, 300)
    start(scan, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits))
    scan.up("a")
    assert "SUPERVISE_NONCE=" in seen_by_the_service(scan, "env")
    assert seen_by_the_service(scan, "limit") == "150\n"
    numbers = [
        line.split(" -> ")[0].split()[-1]
        for line in seen_by_the_service(scan, "fds").splitlines()
        if " -> " in line
    ]
    assert numbers == ["0", "1", "2", "3"]  # 3: the directory that ls reads


def test_descriptors_0_to_2_closed(scan: Scan) -> None:
    scan.add("a", LOOKING)
    start(scan, "sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
    served(scan, "a")
    scan.up("a")
    seen_by_the_service(scan, "env")
    open_there = seen_by_the_service(scan, "fds")
    assert open_there.count("-> /dev/null") == 2  # 0 and 2: ls writes 1 into the file
    assert scan.svscan is not None
    for fd in range(3):
        assert os.readlink(f"/proc/{scan.svscan.pid}/fd/{fd}") == "/dev/null"
    assert scan.stop() == 0


# Signals


def test_sigchld_inherited_as_ignored(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", LOOKING.replace("exec sleep 1000", f"{gate.wait}; exit 7"))
    start(scan, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    scan.up("a")
    gate.open()
    assert scan.until("a", lambda found: found.deaths).deaths[0].status == 7


def test_signals_of_services_are_as_they_should_be(scan: Scan) -> None:
    """Python ignores PIPE and XFSZ, svscan blocks what it serves: services get none of it."""
    scan.add("a", LOOKING)

    def before() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    start(scan, preexec_fn=before)
    scan.up("a")
    seen_by_the_service(scan, "env")
    fields = dict(line.split(":\t", 1) for line in seen_by_the_service(scan, "status").splitlines())
    assert int(fields["SigBlk"], 16) == 0
    ours = (1 << 31) - 1  # what comes above belongs to the C library
    assert int(fields["SigIgn"], 16) & ours == 0
    assert scan.stop() == 0


# As pid 1


def test_as_pid_1_it_reaps_orphans_and_ends_on_term(scan: Scan) -> None:
    if os.geteuid() or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare")
    gate = Gate(scan.services / "gate")
    orphan = f"(setsid sh -c 'sh -c \"echo >../orphan; {gate.wait}\" &' &)\n"
    scan.add("a", SLEEPER.replace("exec", orphan + "exec"))
    outer = start(scan, "unshare", "-pf", "--kill-child", "--mount-proc")
    served(scan, "a")
    scan.up("a")
    seen_by_the_service(scan, "orphan")
    inner = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text())
    children = Path(f"/proc/{inner}/task/{inner}/children")
    eventually(lambda: len(children.read_text().split()) == 2, "service and orphan")
    gate.open()
    eventually(lambda: len(children.read_text().split()) == 1, "the orphan is reaped")
    os.kill(inner, signal.SIGTERM)
    assert outer.wait(DEADLINE) == 0
    assert not list(scan.ours())


# Standard error


def test_a_new_file_is_appended_to_by_all(scan: Scan) -> None:
    """`2>file`: all share one offset, and nobody writes over what another one wrote."""
    run = "#!/bin/sh\necho the first service >&2\n{}exec sleep 1000\n"
    gate = Gate(scan.services / "gate")
    scan.add("a", run.format(f"{gate.wait}\necho the second line >&2\n"))
    with scan.messages.open("wb") as err:
        start(scan, stderr=err)
    scan.says("the first service")
    for name in ("x", "y"):
        (scan.home / name).touch()
        scan.says(f"svscan: warning: {name} is not a directory")
    gate.open()
    scan.says("the second line")
    assert sorted(scan.said().splitlines()) == [
        "svscan: warning: x is not a directory",
        "svscan: warning: y is not a directory",
        "the first service",
        "the second line",
    ]


def test_standard_error_that_nobody_reads(scan: Scan) -> None:
    """It goes on, and tells how many messages were lost when somebody reads again."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while os.write(writing, b"x" * 4096):
                pass
        os.set_blocking(writing, True)
        scan.add("zz")
        start(scan, stderr=writing)
        for number in range(7):
            (scan.home / f"file-{number}").touch()
        served(scan, "zz")
        scan.up("zz")
        refused = scan.home / ".svscan/refused"
        eventually(lambda: len(os.listdir(refused)) == 7, "all were refused")
        os.set_blocking(reading, False)
        with contextlib.suppress(BlockingIOError):
            while os.read(reading, 65536):
                pass
        os.set_blocking(reading, True)
        (scan.home / "another").touch()
        with open(reading, "rb", closefd=False) as lines:
            assert lines.readline() == b"supervise: warning: 7 messages were lost\n"
            assert lines.readline() == b"svscan: warning: another is not a directory\n"
        assert scan.stop() == 0
    finally:
        os.close(reading)
        os.close(writing)


def test_standard_error_whose_reader_has_gone(scan: Scan) -> None:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.close(reading)
    scan.add("zz")
    try:
        start(scan, stderr=writing)
    finally:
        os.close(writing)
    (scan.home / "file").touch()
    served(scan, "zz")
    scan.add("b")
    scan.up("b")
    assert scan.stop() == 0


# The manager above it


class Manager:
    """What systemd would be to svscan."""

    def __init__(self, path: Path) -> None:
        self.environment = os.environ | {"NOTIFY_SOCKET": str(path)}
        self.said: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def hears(self, wanted: Callable[[str], bool]) -> str:
        """The next message that is as wanted."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if select.select([self._socket], [], [], 0.1)[0]:
                message = self._socket.recv(4096).decode()
                self.said.append(message)
                if wanted(message):
                    return message
        raise AssertionError(f"in vain: {self.said}")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(short_path: Path) -> Iterator[Manager]:
    found = Manager(short_path / "notify")
    yield found
    found.close()


def test_the_manager_is_told(scan: Scan, manager: Manager) -> None:
    scan.add("a", LOOKING)
    scan.add("b", down="")
    start(scan, env=manager.environment)
    manager.hears(lambda message: message == "READY=1")
    manager.hears(lambda message: message == "STATUS=2 services, 1 up")
    scan.control("b", "u")
    manager.hears(lambda message: message == "STATUS=2 services, 2 up")
    assert "NOTIFY_SOCKET" not in seen_by_the_service(scan, "env")
    scan.control("a", "d")
    manager.hears(lambda message: message == "STATUS=2 services, 1 up")
    assert scan.svscan is not None
    scan.svscan.send_signal(signal.SIGTERM)
    manager.hears(lambda message: message == "STOPPING=1")
    assert scan.svscan.wait(DEADLINE) == 0
    assert not [message for message in manager.said if message.startswith("WATCHDOG")]


def test_the_watchdog_is_fed(scan: Scan, manager: Manager) -> None:
    scan.add("a", LOOKING)
    start(scan, env=manager.environment | {"WATCHDOG_USEC": "200000"})
    for _ in range(4):
        manager.hears(lambda message: message == "WATCHDOG=1")
    assert "WATCHDOG_USEC" not in seen_by_the_service(scan, "env")
    assert scan.stop() == 0


def test_an_upgrade_keeps_the_manager(scan: Scan, manager: Manager) -> None:
    """The same process, so the same watchdog, which is fed at once."""
    scan.add("a", LOOKING)
    svscan = start(scan, env=manager.environment | {"WATCHDOG_USEC": "600000000"})
    manager.hears(lambda message: message == "READY=1")
    svscan.send_signal(signal.SIGUSR2)
    manager.hears(lambda message: message == "READY=1")
    manager.hears(lambda message: message == "WATCHDOG=1")
    manager.hears(lambda message: message == "STATUS=1 services, 1 up")
    assert "STOPPING=1" not in manager.said
    assert "NOTIFY_SOCKET" not in seen_by_the_service(scan, "env")
    assert "SUPERVISE_HANDOVER" not in seen_by_the_service(scan, "env")
    assert scan.stop() == 0


def test_a_watchdog_meant_for_another_process_is_not_fed(scan: Scan, manager: Manager) -> None:
    scan.add("a")
    theirs = {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid())}
    start(scan, env=manager.environment | theirs)
    served(scan, "a")
    assert scan.stop(signal.SIGQUIT) == 0
    manager.hears(lambda message: message == "STOPPING=1")
    assert "WATCHDOG=1" not in manager.said


def test_a_manager_that_does_not_listen_blocks_nobody(scan: Scan, manager: Manager) -> None:
    """Once some messages lie unread, a socket that waits would wait for ever."""
    scan.add("a")
    start(scan, env=manager.environment | {"WATCHDOG_USEC": "2000"})
    pid = scan.up("a")
    for _ in range(30):
        scan.control("a", "t")
        pid = scan.up("a", beside=pid)
    assert scan.stop() == 0


def test_a_notify_socket_that_is_not_there(scan: Scan, short_path: Path) -> None:
    scan.add("a")
    start(scan, env=os.environ | {"NOTIFY_SOCKET": str(short_path / "nowhere")})
    scan.up("a")
    served(scan, "a")
    assert scan.stop() == 0


def test_a_broken_sdnotify_is_no_manager(scan: Scan, manager: Manager, tmp_path: Path) -> None:
    (tmp_path / "sdnotify.py").write_text("import something_else\n")
    scan.add("a")
    start(scan, env=manager.environment | {"PYTHONPATH": str(tmp_path)})
    scan.says("unable to notify the service manager: sdnotify: No module named 'something_else'")
    served(scan, "a")
    assert scan.stop() == 0


# The scan directory itself


def test_a_scan_directory_that_is_replaced(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    served(scan, "a")
    pid = scan.up("a")
    scan.home.rename(scan.home.with_name("old"))
    scan.home.mkdir()
    scan.add("b")
    scan.says(f"warning: {scan.home} was removed or replaced; what is supervised goes on")
    scan.up("b")
    assert living(pid)
    scan.control("a", "t")
    scan.up("a", beside=pid)
    scan.add("c")
    scan.up("c")
    assert scan.said().count("was removed or replaced") == 1
    assert scan.stop() == 0
    assert not list(scan.ours())


def test_a_service_without_a_link_outlives_a_new_scan_directory_and_svscan(scan: Scan) -> None:
    """The new directory has a list of its own, of what was supervised before, too."""
    scan.add("a")
    scan.start()
    served(scan, "a")
    pids = [scan.up("a")]
    scan.home.rename(scan.home.with_name("old"))
    scan.home.mkdir()
    scan.add("b")
    pids.append(scan.up("b"))
    (scan.home / "b").unlink()
    served(scan, "b")
    scan.send(signal.SIGHUP)
    served(scan, "b")
    assert "unable to write" not in scan.said()
    replace_svscan(scan, "a", "b")
    assert [scan.up("a"), scan.up("b")] == pids


def test_a_scan_directory_that_is_removed(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    served(scan, "a")
    pid = scan.up("a")
    shutil.rmtree(scan.home)
    scan.says(f"warning: {scan.home} was removed or replaced; what is supervised goes on")
    scan.control("a", "t")
    scan.up("a", beside=pid)
    scan.home.mkdir()
    scan.add("b")
    scan.up("b")
    assert scan.said().count("was removed or replaced") == 1
    assert scan.stop() == 0
    assert not list(scan.ours())


def test_an_upgrade_leaves_the_new_scan_directory_of_another_svscan_alone(
    scan: Scan, short_path: Path
) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    served(scan, "a")
    (short_path / "another").mkdir()
    another = Scan(short_path / "another")
    try:
        another.add("b")
        another.link("nowhere")
        another.start()
        another.up("b")
        another.says("unable to stat nowhere")
        before = listing(another.home)
        scan.home.rename(scan.home.with_name("old"))
        another.home.rename(scan.home)
        upgrade(scan)
        scan.control("a", "t")
        scan.up("a", beside=pid)
        assert listing(scan.home) == before
    finally:
        another.close()


def test_an_upgrade_without_its_scan_directory_does_not_make_another(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    served(scan, "a")
    shutil.rmtree(scan.home)
    upgrade(scan)
    scan.control("a", "t")
    scan.up("a", beside=pid)
    assert not scan.home.exists()


def listing(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*"))


def test_a_scan_directory_that_is_not_there(scan: Scan) -> None:
    scan.home.rmdir()
    assert scan.start().wait(DEADLINE) == 111
    assert scan.said() == f"svscan: fatal: unable to chdir to {scan.home}: file does not exist\n"


# With nothing to do


def at_rest(scan: Scan) -> None:
    """It has noted that nothing is in hand any more, which is the last thing it does."""
    note = scan.home / ".svscan/handling"
    eventually(lambda: note.read_bytes().startswith(b"- "), "what can wait is still waiting")


def test_with_nothing_to_do_it_does_not_wake_up(scan: Scan) -> None:
    scan.add("a", log__run=LOGGER)
    scan.add("adopted")
    scan.add("down", down="")
    scan.add("ready", "#!/bin/sh\necho >&3\nexec sleep 1000\n", notification_fd="3\n")
    scan.link("dangling")
    scan.start()
    scan.until("ready", lambda found: found.readiness == "ready")
    for name in ("a", "adopted", "a/log"):
        scan.up(name)
    replace_svscan(scan, "a", "adopted", "down", "ready")
    for name in ("a", "a/log", "adopted", "down", "ready"):
        served(scan, name)
    at_rest(scan)
    assert scan.svscan is not None
    before = wakeups(scan.svscan.pid)
    time.sleep(2)  # the one thing that only time can show
    assert wakeups(scan.svscan.pid) == before
    taken_up(scan, "a")
