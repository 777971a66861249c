"""System calls that fail once: what they were for is done a little later, and nothing else is
disturbed."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from supervise.engine import processes
from supervise.engine.checked import UnusableError
from supervise.engine.faults import Faults
from supervise.engine.loop import Alarm, Loop
from tests.support.gate import living, only_instance, served
from tests.support.heritage import Sleeper, before, keep, supervised
from tests.support.scan import DEADLINE, Scan, eventually
from tests.support.trace import strace

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
QUIET = ("-o", os.devnull)


@needs_strace
def test_the_signals_cannot_be_read(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    served(scan, "a")
    with strace(scan, *QUIET, "-e", "inject=read:error=EIO:when=1"):
        scan.send(signal.SIGHUP)
        scan.says("supervisor fault: OSError(5, 'Input/output error') in signals_read, line ")
        os.kill(pid, signal.SIGKILL)
        scan.up("a", beside=pid)
    assert scan.stop() == 0


@needs_strace
def test_the_children_cannot_be_listed_while_one_is_kept(scan: Scan) -> None:
    """A dead leader is kept until all of its session is gone. Others die meanwhile."""
    scan.add("kept", "#!/bin/sh\nsleep 1000 &\nexec sleep 1000\n", leftovers="wait\n")
    scan.add("b")
    scan.start()
    leader, pid = scan.up("kept"), scan.up("b")
    served(scan, "b")
    os.kill(leader, signal.SIGKILL)
    scan.state("kept", "leftovers")
    with strace(scan, *QUIET, "-e", "inject=getdents64:error=ENOMEM"):
        os.kill(pid, signal.SIGKILL)
        scan.up("b", beside=pid)
    assert scan.said() == ""


@needs_strace
def test_a_knob_that_cannot_be_read_stays_as_it_was(scan: Scan) -> None:
    """A service that is to have nothing left of the instance before is not to be started beside
    it because a file could not be opened just then."""
    directory = scan.add("a", leftovers="kill\n")
    scan.start()
    pid = scan.up("a")
    knob = str(directory / "leftovers")
    with strace(scan, *QUIET, "-P", knob, "-e", "inject=openat:error=ENFILE:when=1"):
        os.kill(pid, signal.SIGKILL)
        scan.up("a", beside=pid)
    what = "bad value in a/leftovers: system cannot open more files; it stays as it was: kill"
    assert what in scan.said()


@needs_strace
def test_a_backoff_that_cannot_be_looked_at_is_one_all_the_same(scan: Scan) -> None:
    directory = scan.add("a", backoff__reset="0.1\n")
    scan.start()
    pid = scan.up("a")
    served(scan, "a")
    knob = str(directory / "backoff")
    with strace(scan, *QUIET, "-P", knob, "-e", "inject=newfstatat:error=ENOMEM"):
        os.kill(pid, signal.SIGKILL)
        scan.up("a", beside=pid)
    assert scan.said() == ""


@needs_strace
def test_one_that_was_adopted_dies_and_cannot_be_waited_for(scan: Scan, sleeper: Sleeper) -> None:
    """Its parent has not reaped it yet, so how it ended is not known."""
    directory = scan.service("a")
    child = sleeper(directory)
    found = before(directory)
    found.pid, found.ticks = child.pid, processes.start_of(child.pid)
    keep(directory, found)
    supervised(scan)
    assert scan.up("a") == child.pid
    served(scan, "a")
    with strace(scan, *QUIET, "-e", "inject=epoll_ctl:error=ENOSPC"):
        child.kill()
        scan.up("a", beside=child.pid)
    assert scan.said() == ""


def record_of_one_that_is_down(scan: Scan) -> str:
    """Its path. Nothing has to be written any more, until the service is told something."""
    directory = scan.add("a", down="")
    scan.start()
    scan.state("a", "down")
    served(scan, "a")
    return str(directory / "supervise/state")


@needs_strace
def test_a_record_that_could_not_be_written_is_written_later(scan: Scan) -> None:
    """Also when nothing more happens to the service."""
    state = record_of_one_that_is_down(scan)
    with strace(scan, *QUIET, "-P", state, "-e", "inject=pwrite64:error=EIO"):
        scan.control("a", "u")
        scan.says("unable to write a/supervise/state: input/output error")
        eventually(scan.starts, "it is started")
    assert only_instance(scan, "a")


@needs_strace
def test_a_record_that_cannot_be_written_once_is_written_at_once(scan: Scan) -> None:
    """A supervisor that is killed right then must not be followed by one that starts a second."""
    state = record_of_one_that_is_down(scan)
    with strace(scan, *QUIET, "-P", state, "-e", "inject=pwrite64:error=EIO:when=1"):
        scan.control("a", "u")
        scan.up("a")
    assert scan.said() == ""


@needs_strace
@pytest.mark.parametrize("fault", ["pwrite64:error=ENOMEM", "newfstatat:error=ENOMEM"])
def test_what_cannot_be_recorded_for_want_of_memory_is_not_started(scan: Scan, fault: str) -> None:
    """For the next supervisor would know nothing of it, and start a second one."""
    state = record_of_one_that_is_down(scan)
    why = "unable to start a/run: unable to write a/supervise/state: out of memory"
    with strace(scan, *QUIET, "-P", state, "-e", f"inject={fault}"):
        scan.control("a", "u")
        scan.says(why)
        scan.kill()
    assert not scan.starts()
    scan.start()
    scan.control("a", "u")
    scan.up("a")
    assert only_instance(scan, "a")


@needs_strace
def test_what_could_not_be_recorded_is_started_when_it_can_be(scan: Scan) -> None:
    state = record_of_one_that_is_down(scan)
    with strace(scan, *QUIET, "-P", state, "-e", "inject=pwrite64:error=ENOMEM"):
        scan.control("a", "u")
        scan.says("unable to start a/run: unable to write a/supervise/state: out of memory")
    scan.up("a")
    assert only_instance(scan, "a")


@needs_strace
def test_a_finish_that_cannot_be_recorded_for_want_of_memory_is_put_off(scan: Scan) -> None:
    """Else the next supervisor would know nothing of it, and run it once more."""
    finish = "#!/bin/sh\necho $$ >>../finished\nexec sleep 1000\n"
    directory = scan.add("a", finish=finish, timeout_finish="0\n")
    scan.start()
    pid = scan.up("a")
    served(scan, "a")
    state = str(directory / "supervise/state")
    with strace(scan, *QUIET, "-P", state, "-e", "inject=pwrite64:error=ENOMEM"):
        os.kill(pid, signal.SIGKILL)
        scan.says("unable to start a/finish: unable to write a/supervise/state: out of memory")
        scan.kill()
    scan.start()
    wanted = f"{scan.until('a', lambda found: found.helper_pid).helper_pid}\n"
    finished = scan.services / "finished"
    eventually(lambda: finished.exists() and finished.read_text() == wanted, "one finish")


TO_THE_END = "#!/bin/sh\ncat >>../../logged\necho end >>../../logged\n"


@needs_strace
@pytest.mark.parametrize("both", [True, False])
def test_a_logger_that_cannot_be_told_the_end_of_its_input_is_told_later(
    scan: Scan, both: bool
) -> None:
    """Our end of its pipe is opened anew for that. The other loggers do not mind."""
    for name in "a", "b":
        directory = scan.service(name, log__run=TO_THE_END)
        if not both:
            (directory / "supervise/status").mkdir(parents=True)
        scan.link(name)
    svscan = scan.start()
    up = ("a", "b", "a/log", "b/log") if both else ("a/log", "b/log")
    pids = [scan.up(name) for name in up]
    for name in up:
        served(scan, name)
    tried = scan.services / "tried"
    refused = ("-e", "trace=openat", "-e", "inject=openat:error=ENFILE:when=1..3")
    pipes = pipes_of(svscan.pid)
    assert len(pipes) == 2
    paths = [word for fd in pipes for word in ("-P", f"/proc/self/fd/{fd}")]
    with strace(scan, "-o", str(tried), *paths, *refused):
        scan.send(signal.SIGTERM)
        assert svscan.wait(DEADLINE) == 0
    assert tried.read_text().count("ENFILE") == 3
    assert (scan.services / "logged").read_text() == "end\n" * 2
    assert not any(map(living, pids))
    assert "fault" not in scan.said()


def pipes_of(pid: int) -> list[str]:
    """The descriptors of the FIFOs to loggers."""
    fds = Path(f"/proc/{pid}/fd")
    return [fd.name for fd in fds.iterdir() if str(fd.readlink()).endswith("/supervise/stdout")]


class Said:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, program: str, what: str) -> None:
        self.lines.append(f"{program}: {what}")


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_fault_that_is_nobodys_is_said_and_all_goes_on() -> None:
    said = Said()
    loop = Loop(Faults(said))
    loop.set(Alarm(failing(ZeroDivisionError("injected"))), 0.0)
    loop.set(Alarm(loop.end), 0.1)
    loop.run()
    (line,) = said.lines
    assert line.startswith(
        "supervise: warning: supervisor fault: ZeroDivisionError('injected') in fail, line "
    )


@pytest.mark.parametrize(
    ("error", "times"), [(ZeroDivisionError(), 10), (UnusableError("deliberate"), 0)]
)
def test_what_fails_again_and_again_is_the_end(error: Exception, times: int) -> None:
    said = Said()
    loop = Loop(Faults(said))
    for _ in range(20):
        loop.set(Alarm(failing(error)), 0.1)
    with pytest.raises(type(error)):
        loop.run()
    assert len(said.lines) == times


@needs_strace
@pytest.mark.parametrize("fault", ["pipe2:error=EMFILE", "epoll_ctl:error=ENOSPC"])
@pytest.mark.parametrize("when", [1, 2, 3, 4])
def test_a_restart_with_everything(scan: Scan, fault: str, when: int) -> None:
    """Leftovers to be watched, a check to be listened to, a readiness to be read: each needs
    something of the system that it may not give just then."""
    scan.add(
        "a",
        "#!/bin/sh\necho >&5\nsleep 1000 &\nexec sleep 1000\n",
        notification_fd="5\n",
        start_check="#!/bin/sh\necho line\n",
        leftovers="kill\n",
        backoff__first="0.1\n",
    )
    scan.start()
    pid = scan.up("a")
    scan.until("a", lambda found: found.readiness == "ready")
    served(scan, "a")
    with strace(scan, *QUIET, "-e", f"inject={fault}:when={when}"):
        os.kill(pid, signal.SIGKILL)
        scan.up("a", beside=pid)
        scan.until("a", lambda found: found.readiness == "ready")
    assert only_instance(scan, "a")
    assert "set aside" not in scan.said()


@needs_strace
def test_whether_a_directory_was_removed_cannot_be_seen(scan: Scan) -> None:
    scan.add("a")
    scan.add("b")
    scan.start()
    pid = scan.up("a")
    served(scan, "b")
    with strace(scan, *QUIET, "-e", "inject=newfstatat:error=ENOMEM"):
        (scan.home / "a").unlink()
        served(scan, "b")
    os.kill(pid, signal.SIGKILL)
    scan.up("a", beside=pid)
    assert "fault" not in scan.said()
