"""No more processes can be had: said once, tried again as after any failure, nobody else minds."""

import contextlib
import os
import shutil

import pytest

from tests.support.bad import line, lines, more_tries, reason, tries
from tests.support.gate import end, living, served
from tests.support.probe import became
from tests.support.scan import SLEEPER, Scan
from tests.support.trace import strace

FAST = {"backoff__first": "0.1\n", "backoff__max": "0.1\n"}
WHY = "temporary failure (no more processes can be had)"

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")


def crowded(scan: Scan) -> contextlib.AbstractContextManager[None]:
    """Each fork of svscan fails, as at the limit of its user or its cgroup."""
    return strace(scan, "-o", os.devnull, "-e", "inject=clone,clone3,vfork,fork:error=EAGAIN")


@pytest.mark.parametrize("program", ["run", "start-check", "finish"])
def test_no_more_processes(scan: Scan, program: str) -> None:
    scan.add("good")
    extra = {program.replace("-", "_"): "#!/bin/sh\nexit 0\n"} if program != "run" else {}
    # A finish is tried again until its time is over, and then passed over.
    scan.add("bad", SLEEPER, timeout_finish="1\n", **extra, **FAST)
    scan.start()
    good, pid = scan.up("good"), scan.up("bad")
    said = f"unable to start bad/{program}: {WHY}"
    with crowded(scan):
        end(pid)
        more_tries(scan, "bad", 3)
        assert lines(scan, f"bad/{program}") == [f"supervise: fatal: {said}"]
        last = "run" if program == "finish" else program
        assert reason(scan, "bad") == f"unable to start bad/{last}: {WHY}"
        scan.control("good", "p")
        scan.until("good", lambda found: found.paused)
        scan.control("good", "c")
        served(scan, "good")
        assert living(good)
        assert scan.up("good") == good
    became(scan.up("bad", beside=pid), "sleep")
    assert len(lines(scan, f"bad/{program}")) == 1
    assert lines(scan, "fault") == lines(scan, "Traceback") == []


@pytest.mark.parametrize("killed", [False, True])
def test_a_finish_is_put_off(scan: Scan, killed: bool) -> None:
    """What it has to clear up is cleared up, and once, be it by the next supervisor."""
    finish = "#!/bin/sh\necho $$ >>../finished\n"
    scan.add("a", finish=finish, timeout_finish="0\n")
    scan.start()
    pid = scan.up("a")
    served(scan, "a")
    with crowded(scan):
        end(pid)
        assert line(scan, "a/finish") == f"supervise: fatal: unable to start a/finish: {WHY}"
        scan.state("a", "finishing")
        served(scan, "a")
        if killed:
            scan.kill()
    if killed:
        scan.start()
    scan.up("a", beside=pid)
    assert len((scan.services / "finished").read_text().split()) == 1
    assert len(lines(scan, "a/finish")) == 1


def test_a_new_service_then(scan: Scan) -> None:
    """It is taken up, answers, and comes up when it can."""
    scan.add("good")
    scan.service("new", **FAST)
    scan.start()
    served(scan, "good")
    with crowded(scan):
        scan.link("new")
        tries(scan, "new", 2)
        said = f"unable to start new/run: {WHY}"
        assert line(scan, "new/run") == f"supervise: fatal: {said}"
        assert reason(scan, "new") == said
        served(scan, "new")
    scan.up("new")
