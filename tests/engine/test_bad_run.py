"""A `run`, `finish` or `start-check` that cannot be started."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.bad import descriptors, line, lines, more_tries, reason, tries, well
from tests.support.gate import served
from tests.support.scan import SLEEPER, Scan, program

FAST = {"backoff__first": "0.1\n", "backoff__max": "0.1\n"}


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)
    path.chmod(0o755)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/no/such")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to("run")


def _text(text: str) -> Callable[[Path], None]:
    return lambda path: program(path, text)


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (Path.unlink, "file does not exist"),
    "not executable": (
        lambda path: path.chmod(0o644),
        "access denied (it is not executable: chmod +x)",
    ),
    "no program": (
        _text("sleep 1000\n"),
        "exec format error (it is no program: does its first line begin with #! ?)",
    ),
    "empty": (
        _text(""),
        "exec format error (it is no program: does its first line begin with #! ?)",
    ),
    "a directory": (_directory, "access denied (it is a directory)"),
    "a FIFO": (_fifo, "access denied (it is not a plain file)"),
    "a dangling link": (_link, "file does not exist (it is a link to '/no/such')"),
    "a link to itself": (_loop, "symbolic link loop (it is a link to 'run')"),
    "interpreter missing": (
        _text("#!/no/such/sh -e\n"),
        "file does not exist (its interpreter is missing: '/no/such/sh')",
    ),
    "interpreter with an escape": (
        _text("#! /no\x1b[31m/sh\n"),
        r"file does not exist (its interpreter is missing: '/no\x1b[31m/sh')",
    ),
    "DOS line ends": (
        _text("#!/bin/sh\r\nexec sleep 1000\r\n"),
        r"file does not exist (its interpreter is missing: '/bin/sh\r',"
        " for its lines end as those of DOS)",
    ),
    "interpreter no program": (
        _text("#!/etc/passwd\n"),
        "access denied (its interpreter may not be executed: '/etc/passwd')",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_run(scan: Scan, case: str) -> None:
    spoil, text = CASES[case]
    scan.add("good")
    spoil(scan.add("bad", **FAST) / "run")
    scan.start()
    said = f"unable to start bad/run: {text}"
    assert line(scan, "bad") == f"supervise: fatal: {said}"
    tries(scan, "bad", 3)
    assert line(scan, "bad") == f"supervise: fatal: {said}"
    assert reason(scan, "bad") == said
    well(scan)


def test_a_reason_is_told_again_when_it_has_changed_and_when_somebody_asks(scan: Scan) -> None:
    path = scan.add("bad", **FAST)
    (path / "run").chmod(0o644)
    scan.start()
    line(scan, "not executable")
    (path / "run").unlink()
    line(scan, "file does not exist")
    tries(scan, "bad", 6)
    assert len(lines(scan, "bad/run")) == 2
    scan.control("bad", "u")
    served(scan, "bad")
    tries(scan, "bad", 3)
    assert len(lines(scan, "file does not exist")) == 2


def test_a_reason_is_told_again_after_a_start(scan: Scan) -> None:
    path = scan.add("bad", **FAST)
    scan.start()
    pid = scan.up("bad")
    for _ in range(2):
        before = len(lines(scan, "bad/run"))
        (path / "run").chmod(0o644)
        os.kill(pid, 9)
        more_tries(scan, "bad", 4)
        assert len(lines(scan, "bad/run")) == before + 1
        (path / "run").chmod(0o755)
        pid = scan.up("bad", beside=pid)
    assert scan.until("bad", lambda found: found.pid == pid).reason == ""


def test_finish(scan: Scan) -> None:
    """It goes on without it, and says so once."""
    scan.add("good")
    scan.add("bad", "#!/bin/sh\nexit 3\n", finish="#!/no/such\n", **FAST)
    scan.start()
    tries(scan, "bad", 4)
    said = (
        "unable to start bad/finish: file does not exist (its interpreter is missing: '/no/such')"
    )
    assert line(scan, "bad") == f"supervise: fatal: {said}"
    well(scan)


def test_start_check(scan: Scan) -> None:
    """It is not started, and no descriptor is lost at any try."""
    scan.add("good")
    scan.add("bad", start_check="#!/no/such\n", **FAST)
    svscan = scan.start()
    tries(scan, "bad", 2)
    well(scan)
    before = descriptors(svscan.pid)
    tries(scan, "bad", 6)
    served(scan, "bad")
    assert descriptors(svscan.pid) == before
    said = (
        "unable to start bad/start-check: file does not exist"
        " (its interpreter is missing: '/no/such')"
    )
    assert line(scan, "bad") == f"supervise: fatal: {said}"
    assert reason(scan, "bad") == said


def test_a_check_that_refuses_says_so_once_until_it_has_let_pass(scan: Scan) -> None:
    path = scan.add(
        "bad",
        SLEEPER,
        start_check="#!/bin/sh\ntest -e go && exit 0\necho no link\nexit 1\n",
        **FAST,
    )
    scan.start()
    tries(scan, "bad", 3)
    said = "supervise: warning: bad: not started: no link"
    assert line(scan, "bad") == said
    (path / "go").touch()
    pid = scan.up("bad")
    (path / "go").unlink()
    os.kill(pid, 9)
    more_tries(scan, "bad", 4)
    assert lines(scan, "bad") == [said, said]
