"""`notification-fd`: when a service is ready."""

import os
import signal
from pathlib import Path

import pytest

from supervise.engine.directory import SuperviseDirectory
from supervise.engine.loop import Loop
from supervise.engine.readiness import Readiness
from supervise.protocol import tai64n
from tests.support.gate import Gate, end
from tests.support.scan import Scan, eventually

TELLS = "#!/bin/sh\n{before}\n{say} >&3\necho told >>../told\nexec sleep 1000\n"


def telling(before: str = ":", say: str = "echo") -> str:
    return TELLS.format(before=before, say=say)


def test_not_yet_then_ready(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", telling(gate.wait), notification_fd="3\n")
    scan.start()
    found = scan.until("a", lambda found: found.pid)
    assert (found.readiness, found.ready_since) == ("not yet", tai64n.NONE)
    gate.open()
    found = scan.until("a", lambda found: found.readiness == "ready")
    assert found.ready_since >= found.since


def test_without_the_knob_nothing_is_told(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    assert scan.until("a", lambda found: found.pid).readiness == "untold"


def test_never_ready(scan: Scan) -> None:
    scan.add("a", telling(say=":"), notification_fd="3\n")
    scan.start()
    pid = scan.up("a")
    eventually((scan.services / "told").exists, "it is past that")
    scan.control("a", "p")
    found = scan.until("a", lambda found: found.paused)
    assert (found.readiness, found.pid) == ("not yet", pid)


def test_what_is_no_newline_says_nothing(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    run = telling(f"printf abc >&3\necho >>../told\n{gate.wait}", "printf 'def\\nghi'")
    scan.add("a", run, notification_fd="3\n")
    scan.start()
    eventually((scan.services / "told").exists, "it has written")
    scan.control("a", "p")
    assert scan.until("a", lambda found: found.paused).readiness == "not yet"
    scan.control("a", "c")
    gate.open()
    scan.until("a", lambda found: found.readiness == "ready")


def test_one_that_says_it_again_and_again_is_ready_once(scan: Scan) -> None:
    scan.add("a", telling(say="seq 1000"), notification_fd="3\n")
    scan.start()
    found = scan.until("a", lambda found: found.readiness == "ready")
    eventually((scan.services / "told").exists, "it was not held up")
    scan.control("a", "p")
    after = scan.until("a", lambda found: found.paused)
    assert (after.readiness, after.ready_since) == ("ready", found.ready_since)


def test_one_that_closes_it_is_not_ready(scan: Scan) -> None:
    scan.add("a", telling("exec 3>&-; exec 3>/dev/null"), notification_fd="3\n")
    scan.start()
    pid = scan.up("a")
    eventually((scan.services / "told").exists, "it has told somebody else")
    scan.control("a", "p")
    found = scan.until("a", lambda found: found.paused)
    assert (found.readiness, found.pid) == ("not yet", pid)


def test_it_is_over_with_the_instance(scan: Scan) -> None:
    scan.add("a", telling(), notification_fd="3\n")
    scan.start()
    scan.until("a", lambda found: found.readiness == "ready")
    scan.control("a", "d")
    assert scan.state("a", "down").readiness == "untold"


def test_a_next_instance_tells_for_itself(scan: Scan) -> None:
    """What the one before left in the FIFO, or wrote at its death, does not count for it."""
    gate = Gate(scan.services / "gate")
    run = (
        "#!/bin/sh\n"
        f"if test -e ../second; then echo >../told; {gate.wait}; echo >&3; exec sleep 1000; fi\n"
        "touch ../second\necho >&3; echo >&3; echo >&3\nexit 1\n"
    )
    scan.add("a", run, notification_fd="3\n")
    scan.start()
    eventually((scan.services / "told").exists, "the second is there")
    scan.control("a", "p")
    assert scan.until("a", lambda found: found.paused).readiness == "not yet"
    scan.control("a", "c")
    gate.open()
    scan.until("a", lambda found: found.readiness == "ready")


def test_one_that_was_left_and_writes_without_end_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As fast as what it wrote before is thrown away."""
    directory = SuperviseDirectory(bytes(tmp_path), b"a")
    readiness = Readiness(Loop(), directory.open_pipe(b"ready"), lambda: None)
    os.write(readiness.fd, b"old\n" * 20)
    read, writing = os.read, os.dup(readiness.fd)

    def read_and_be_overtaken(fd: int, size: int) -> bytes:
        data = read(fd, size)
        os.write(writing, b"again\n")
        reads.append(data)
        assert len(reads) < 100, "it reads for ever"
        return data

    reads: list[bytes] = []
    monkeypatch.setattr(os, "read", read_and_be_overtaken)
    readiness.drain()
    monkeypatch.undo()
    assert b"".join(reads) == b"old\n" * 20
    readiness.close()
    os.close(writing)
    directory.close()


def test_ready_in_each_of_many_lives(scan: Scan) -> None:
    scan.add("a", telling(), notification_fd="3\n")
    scan.start()
    pid = 0
    for _ in range(10):
        pid = scan.until(
            "a", lambda found, old=pid: found.readiness == "ready" and found.pid != old
        ).pid
        scan.control("a", "t")


def test_the_knob_is_read_at_each_start(scan: Scan) -> None:
    directory = scan.add("a", telling("test -e notification-fd || exec sleep 1000"))
    scan.start()
    first = scan.up("a")
    (directory / "notification-fd").write_text("3\n")
    end(first)
    second = scan.until("a", lambda found: found.readiness == "ready").pid
    (directory / "notification-fd").unlink()
    end(second)
    third = scan.up("a", beside=second)
    found = scan.until("a", lambda found: found.pid == third)
    assert found.readiness == "untold"


def test_ready_while_it_is_told_to_end(scan: Scan) -> None:
    run = "#!/bin/sh\ntrap 'echo >&3' TERM\necho >../told\nwhile :; do sleep 1000 & wait; done\n"
    scan.add("a", run, notification_fd="3\n")
    scan.start()
    pid = scan.up("a")
    eventually((scan.services / "told").exists, "the trap is set")
    scan.control("a", "d")
    scan.until("a", lambda found: found.state == "stopping" and found.readiness == "ready")
    os.kill(pid, signal.SIGKILL)
    found = scan.state("a", "down")
    assert found.readiness == "untold"
    assert not Path(f"/proc/{pid}").exists()
