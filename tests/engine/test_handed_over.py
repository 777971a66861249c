"""With many descriptors open, other threads start the programs: the outcome comes later."""

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gate import Gate, all_read, served
from tests.support.probe import RECORDER, begun, noted
from tests.support.scan import BIN, DEADLINE, Scan, eventually
from tests.support.trace import kill_while_an_instance_is_on_its_way_to_exec, strace

MANY = 300


CROWDED = f"""
import os, resource, sys
soft = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
for _ in range({MANY}):
    os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
os.execv(sys.argv[1], sys.argv[1:])
"""


HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


@pytest.fixture(params=[HARD, MANY + 20], ids=["limit as it is", "limit raised"])
def crowded(scan: Scan, request: pytest.FixtureRequest) -> Scan:
    """Its svscan has so many descriptors that it hands over whatever it starts."""

    def start() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", CROWDED, str(request.param), BIN / "svscan", scan.home]
        with scan.messages.open("ab") as err:
            scan.svscan = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=err)
        return scan.svscan

    scan.start = start  # type: ignore[method-assign]
    return scan


def threads(scan: Scan) -> int:
    assert scan.svscan is not None
    return len(os.listdir(f"/proc/{scan.svscan.pid}/task"))


def descriptors(scan: Scan) -> list[set[str]]:
    """Of each thread of svscan, the first one first."""
    return [set(os.listdir(task / "fd")) for task in tasks(scan)]


def tasks(scan: Scan) -> list[Path]:
    assert scan.svscan is not None
    pid = scan.svscan.pid
    found = Path(f"/proc/{pid}/task").iterdir()
    return sorted(found, key=lambda task: (task.name != str(pid), task.name))


def test_it_is_started_and_restarted(crowded: Scan) -> None:
    crowded.add("a")
    crowded.start()
    first = crowded.up("a")
    assert threads(crowded) > 1
    crowded.control("a", "t")
    second = crowded.up("a", beside=first)
    os.kill(second, signal.SIGKILL)
    crowded.up("a", beside=second)
    found = crowded.until("a", lambda found: len(found.deaths) == 2)
    assert [death.status for death in found.deaths] == [-9, -15]
    assert found.starts == 3
    assert crowded.stop() == 0
    assert crowded.state("a", "gone").pid == 0


def test_the_threads_hold_none_of_our_descriptors(crowded: Scan) -> None:
    crowded.add("a")
    crowded.start()
    crowded.up("a")
    inherited = MANY + 3
    ours, *_ = descriptors(crowded)
    assert len(ours) > inherited + 5
    eventually(
        lambda: all(len(others) <= inherited + 2 for others in descriptors(crowded)[1:]),
        lambda: f"{descriptors(crowded)}",
    )


def replace_home(scan: Scan) -> Path:
    """Another scan directory at its place, which svscan takes; where the old one is now."""
    old = scan.home.with_name("old")
    scan.home.rename(old)
    scan.home.mkdir()
    eventually((scan.home / ".svscan/services").exists, "it is taken")
    return old


def test_the_threads_hold_the_lock_of_a_new_scan_directory(crowded: Scan) -> None:
    """And nothing else that has the number which the old one had."""
    svscan = crowded.start()
    eventually((crowded.home / ".svscan/refused").exists, "it has begun")
    eventually(lambda: len(os.listdir(f"/proc/{svscan.pid}/fd")) > MANY + 7, "it watches")
    replace_home(crowded)
    crowded.add("a")
    crowded.up("a")
    for task in tasks(crowded)[1:]:
        held = [os.readlink(fd) for fd in (task / "fd").iterdir()]
        assert str(crowded.home) in held
        assert len(held) == MANY + 5, "that, the bell, and what is inherited"


def test_the_threads_do_not_keep_the_lock_of_what_was_the_scan_directory(crowded: Scan) -> None:
    crowded.add("a")
    crowded.start()
    crowded.up("a")
    served(crowded, "a")
    fd = os.open(replace_home(crowded), os.O_RDONLY)
    eventually(lambda: locked(fd), "another svscan can have it")
    os.close(fd)
    crowded.add("b")
    crowded.up("b")
    eventually(lambda: threads(crowded) == 3, "those that kept it are gone")
    for held in descriptors(crowded)[1:]:
        assert len(held) == MANY + 5, "the new one, the bell, and what is inherited"


def locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def test_letters_wait_until_it_is_started(crowded: Scan) -> None:
    crowded.add("a", RECORDER, down="")
    crowded.start()
    crowded.state("a", "down")
    crowded.control("a", "uc")
    begun(crowded, "a")
    crowded.control("a", "h")
    eventually(lambda: "SIGHUP" in noted(crowded, "a"), "it was told")
    assert crowded.until("a", lambda found: found.pid).starts == 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_who_waits_for_a_letter_waits_for_the_start_before_it(crowded: Scan) -> None:
    """What has been read has been served: a client looks as soon as its letters were read."""
    crowded.add("a", down="")
    crowded.start()
    crowded.state("a", "down")
    with strace(crowded, "-f", "-o", os.devnull, "-e", "inject=execve:delay_enter=1500000"):
        crowded.control("a", "u")
        eventually(lambda: all_read(crowded, "a"), "it is being started")
        command = [BIN / "svc", "-d", f"--wait={DEADLINE:g}", crowded.services / "a"]
        waiting = subprocess.run(command, capture_output=True, check=False)
        crowded.until("a", lambda found: found.starts == 1 and not found.pid)
    assert (waiting.returncode, waiting.stderr) == (0, b"")
    crowded.state("a", "down")


def test_down_right_after_up(crowded: Scan) -> None:
    crowded.add("a", down="")
    crowded.start()
    crowded.state("a", "down")
    for _ in range(20):
        crowded.control("a", "ud")
    found = crowded.until("a", lambda found: found.state == "down" and found.want == "down")
    assert found.pid == 0
    crowded.control("a", "u")
    crowded.up("a")


def test_one_that_ends_at_once(crowded: Scan) -> None:
    """It may be dead before we know its pid."""
    for number in range(20):
        crowded.add(f"n{number}", "#!/bin/sh\nexit 3\n", backoff__first="100\n")
    crowded.start()
    for number in range(20):
        found = crowded.until(f"n{number}", lambda found: len(found.deaths) == 2)
        assert {death.status for death in found.deaths} == {3}


def test_one_that_cannot_be_started(crowded: Scan) -> None:
    crowded.add("a", "#!/no/such/interpreter\n")
    crowded.add("b")
    crowded.start()
    crowded.says("fatal: unable to start a/run: file does not exist (its interpreter is missing")
    crowded.until("a", lambda found: found.state == "waiting" and not found.intent)
    crowded.up("b")


def test_helpers_and_loggers(crowded: Scan) -> None:
    logger = "#!/bin/sh\nexec cat >>../../got\n"
    crowded.add(
        "a",
        "#!/bin/sh\necho line\nexec sleep 1000\n",
        start_check="#!/bin/sh\n[ -e ../allowed ] && exit 0\necho not yet\nexit 1\n",
        finish='#!/bin/sh\necho "$1 $2" >>../finished\n',
        log__run=logger,
        watch="../allowed\n",
    )
    crowded.start()
    crowded.until("a", lambda found: found.reason == "not yet")
    (crowded.services / "allowed").touch()
    pid = crowded.up("a")
    os.kill(pid, signal.SIGKILL)
    crowded.up("a", beside=pid)
    assert (crowded.services / "finished").read_text() == "256 9\n"
    got = crowded.services / "got"
    eventually(lambda: got.read_text() == "line\nline\n", lambda: got.read_text())


def test_the_next_svscan_goes_on(crowded: Scan) -> None:
    for number in range(10):
        crowded.add(f"n{number}")
    crowded.start()
    pids = [crowded.up(f"n{number}") for number in range(10)]
    crowded.kill()
    os.kill(pids[0], signal.SIGKILL)
    crowded.start()
    crowded.up("n0", beside=pids[0])
    assert [crowded.up(f"n{number}") for number in range(1, 10)] == pids[1:]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_svscan_is_killed_while_the_instance_is_on_its_way_to_exec(crowded: Scan) -> None:
    """Its nonce cannot be seen yet, but it holds the lock of the scan directory."""
    kill_while_an_instance_is_on_its_way_to_exec(crowded)


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM])
def test_the_end_while_things_are_started(crowded: Scan, number: int) -> None:
    """Nothing is left that nobody knows of."""
    for count in range(30):
        crowded.add(f"n{count}")
    crowded.start()
    crowded.up("n0")
    assert crowded.stop(number) == 0
    known = {crowded.record(f"n{count}").pid for count in range(30) if crowded.record(f"n{count}")}
    assert set(crowded.ours()) == known - {0}
    if number == signal.SIGTERM:
        assert known == {0}


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_deadline_that_is_over_does_not_end_what_comes_next(crowded: Scan) -> None:
    """That of the leftovers passes while `finish` is being started."""
    gate = Gate(crowded.services / "gate")
    finish = f"#!/bin/sh\necho begun >>../finish\n{gate.wait}\necho ended >>../finish\n"
    run = "#!/bin/sh\nsleep 1000 &\necho >../begun\nexec sleep 1000\n"
    crowded.add("a", run, finish=finish, leftovers="kill\n", timeout_kill="300\n")
    crowded.start()
    pid = crowded.up("a")
    eventually((crowded.services / "begun").exists, "it has a child")
    served(crowded, "a")
    with strace(crowded, "-f", "-o", os.devnull, "-e", "inject=execve:delay_enter=900000"):
        os.kill(pid, signal.SIGKILL)
        path = crowded.services / "finish"
        eventually(lambda: path.exists() and path.read_text(), "finish runs")
    served(crowded, "a")
    gate.open()
    crowded.up("a", beside=pid)
    assert path.read_text() == "begun\nended\n"


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_no_threads_can_be_had(crowded: Scan) -> None:
    """Nor processes: one line, and all is well as soon as they can."""
    svscan = crowded.start()
    crowded.service("a", backoff__first="0.1\n", backoff__max="0.1\n")
    eventually((crowded.home / ".svscan/refused").exists, "it has begun")
    eventually(lambda: len(os.listdir(f"/proc/{svscan.pid}/fd")) > MANY + 7, "it watches")
    with strace(crowded, "-o", os.devnull, "-e", "inject=clone,clone3,vfork:error=EAGAIN"):
        crowded.link("a")
        crowded.until("a", lambda found: found.failures >= 2)
        assert threads(crowded) == 1
    crowded.up("a")
    why = "temporary failure (no more processes can be had)"
    assert crowded.said() == f"supervise: fatal: unable to start a/run: {why}\n"
