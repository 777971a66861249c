"""A service that ends one supervisor after the other: the third one leaves it alone."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.support.gate import end, instances, living, served, taken_up
from tests.support.probe import RECORDER, begun, shows, supervised
from tests.support.scan import DEADLINE, SLEEPER, Scan, eventually, program
from tests.support.versions import upgrade

POISON = """
import os, sys
from supervise.commands import {program}
from supervise.engine import {module}

def poison(owner, name):
    real = getattr(owner, name)

    def deadly(self, *rest, **more):
        found = getattr(self, "_dossier", self)
        place = getattr(found, "place", None) or rest[1]
        if place.name.endswith(b"bad") and not os.path.exists({mended!r}):
            {kill}
        return real(self, *rest, **more)

    setattr(owner, name, deadly)

poison({module}.{owner}, "{name}")
{program}.main()
"""
"""A daemon that the service `bad` kills at one place of our code."""

KILL = "os.kill(os.getpid(), 9)"
HANGS = 2.0


class Poisoned:
    def __init__(self, scan: Scan, where: str, program: str = "svscan", kill: str = KILL) -> None:
        module, owner, name = where.split(".")
        self.scan = scan
        self._mended = scan.home.parent / "mended"
        self._path = scan.home.parent / "poisoned.py"
        self._path.write_text(
            POISON.format(
                program=program,
                module=module,
                owner=owner,
                name=name,
                mended=str(self._mended),
                kill=kill.format(mended=str(self._mended)),
            )
        )
        scan.add("bad")
        scan.add("good")

    def start(self, what: Path | None = None) -> "subprocess.Popen[bytes]":
        return self.scan.launch(sys.executable, self._path, what or self.scan.home)

    def died(self) -> None:
        assert self.scan.svscan is not None
        assert self.scan.svscan.wait(DEADLINE) == -9

    def hangs(self, times: int) -> None:
        """Wait until so many hang, and the last one for long enough to call it that."""
        path = self._mended.with_name("mended-hangs")
        eventually(lambda: path.exists() and path.stat().st_size == times, "it hangs")
        begun = path.stat().st_mtime
        eventually(lambda: time.time() - begun > HANGS + 0.2, "it hangs for long")

    def mend(self, mended: bool = True) -> None:
        if mended:
            self._mended.touch()
        else:
            self._mended.unlink(missing_ok=True)


def good_is_served(scan: Scan) -> None:
    taken_up(scan, "good")
    pid = scan.up("good")
    scan.control("good", "t")
    pid = scan.up("good", beside=pid)
    os.kill(pid, signal.SIGKILL)
    scan.control("good", "u")
    scan.up("good", beside=pid)


def alone(scan: Scan, step: str) -> None:
    found = scan.until("bad", lambda found: found.alone and found.reason)
    why = f"left alone: two supervisors in a row died at it (step: {step}); svc -u goes on with it"
    assert found.reason == why
    scan.says(f"supervise: warning: bad: {why}\n")


def twice(poisoned: Poisoned) -> int:
    """Two supervisors die when they go on with it; its pid."""
    scan = poisoned.scan
    scan.start()
    taken_up(scan, "bad")
    pid = scan.up("bad")
    served(scan, "bad")
    scan.kill()
    for _ in range(2):
        poisoned.start()
        poisoned.died()
    return pid


TOLD = "service.Service._all_answered"
STEP = "go_on"


def test_the_third_one_lets_its_process_run(scan: Scan) -> None:
    poisoned = Poisoned(scan, TOLD)
    pid = twice(poisoned)
    poisoned.start()
    alone(scan, STEP)
    taken_up(scan, "bad")
    good_is_served(scan)
    shows(scan, "bad", pid, b"u")
    scan.control("bad", "thd")
    served(scan, "bad")
    assert instances(scan, "bad") == [pid]
    end(pid)
    shows(scan, "bad", 0, b"u")
    served(scan, "bad")
    assert not instances(scan, "bad")
    good_is_served(scan)


def test_it_is_dead_already(scan: Scan) -> None:
    poisoned = Poisoned(scan, TOLD)
    pid = twice(poisoned)
    end(pid)
    poisoned.start()
    alone(scan, STEP)
    taken_up(scan, "bad")
    shows(scan, "bad", 0, b"u")
    poisoned.mend()
    scan.control("bad", "u")
    scan.up("bad", beside=pid)


@pytest.mark.parametrize("dies", [False, True])
def test_up_goes_on_with_it(scan: Scan, dies: bool) -> None:
    poisoned = Poisoned(scan, TOLD)
    pid = twice(poisoned)
    poisoned.start()
    alone(scan, STEP)
    taken_up(scan, "bad")
    if dies:
        end(pid)
        shows(scan, "bad", 0, b"u")
    poisoned.mend()
    scan.control("bad", "u")
    found = scan.until("bad", lambda found: not found.alone and found.pid)
    assert (found.pid != pid) == dies
    assert len(found.deaths) == dies
    scan.control("bad", "t")
    scan.up("bad", beside=found.pid)


def test_up_that_ends_the_third_one_too(scan: Scan) -> None:
    poisoned = Poisoned(scan, TOLD)
    pid = twice(poisoned)
    poisoned.start()
    alone(scan, STEP)
    taken_up(scan, "bad")
    scan.control("bad", "u")
    poisoned.died()
    poisoned.start()
    eventually(lambda: scan.said().count("left alone: two supervisors") == 2, scan.said)
    taken_up(scan, "bad")
    assert instances(scan, "bad") == [pid]


def test_it_is_still_left_alone_by_the_next_ones(scan: Scan) -> None:
    poisoned = Poisoned(scan, TOLD)
    pid = twice(poisoned)
    poisoned.start()
    alone(scan, STEP)
    taken_up(scan, "bad")
    assert scan.stop(signal.SIGQUIT) == 0
    scan.start()
    eventually(lambda: scan.said().count("left alone: two supervisors") == 2, scan.said)
    taken_up(scan, "bad")
    upgrade(scan)
    scan.control("bad", "t")
    served(scan, "bad")
    assert instances(scan, "bad") == [pid]
    scan.control("bad", "ut")
    scan.up("bad", beside=pid)


def test_where_one_in_between_got_on_with_it(scan: Scan) -> None:
    """Then it is not two in a row: most probably they were killed by chance."""
    poisoned = Poisoned(scan, TOLD)
    for mended in (False, True, False):
        poisoned.mend(mended)
        svscan = poisoned.start()
        if mended:
            taken_up(scan, "bad")
            svscan.kill()
        poisoned.died()
    scan.start()
    taken_up(scan, "bad")
    pid = scan.up("bad")
    scan.control("bad", "t")
    scan.up("bad", beside=pid)
    assert "left alone" not in scan.said()


def test_at_its_start(scan: Scan) -> None:
    poisoned = Poisoned(scan, "instance.Instance.start")
    for _ in range(2):
        poisoned.start()
        poisoned.died()
    poisoned.start()
    alone(scan, "go_on")
    good_is_served(scan)
    taken_up(scan, "bad")
    assert not instances(scan, "bad")
    poisoned.mend()
    scan.control("bad", "u")
    scan.up("bad")


def test_when_it_is_taken_up(scan: Scan) -> None:
    """Then only a hang counts, and it is not even touched."""
    hang = "import time; open({mended!r} + '-hangs', 'a').write('x'); time.sleep(1000)"
    poisoned = Poisoned(scan, "dossier.Dossier.__init__", kill=hang)
    for times in (1, 2):
        svscan = poisoned.start()
        poisoned.hangs(times)
        svscan.kill()
        poisoned.died()
    svscan = poisoned.start()
    why = (
        "bad is left alone: two supervisors in a row hung at it, and were ended;"
        " HUP to svscan tries it again"
    )
    scan.says(f"svscan: warning: {why}\n")
    good_is_served(scan)
    assert (scan.home / ".svscan/refused/bad").read_text() == why + "\n"
    assert not supervised(scan, "bad")
    poisoned.mend()
    svscan.send_signal(signal.SIGHUP)
    scan.up("bad")
    assert not (scan.home / ".svscan/refused/bad").exists()


def letter_kills(poisoned: Poisoned, pid: int) -> None:
    """A supervisor goes on with it well, and dies of the first letter."""
    taken_up(poisoned.scan, "bad")
    assert poisoned.scan.up("bad") == pid
    poisoned.scan.control("bad", "h")
    poisoned.died()


def killed_by_a_letter(scan: Scan) -> tuple[Poisoned, int]:
    """The pid of the service, which lives."""
    poisoned = Poisoned(scan, "service.Service.order")
    poisoned.start()
    pid = scan.up("bad")
    letter_kills(poisoned, pid)
    return poisoned, pid


def test_at_a_letter(scan: Scan) -> None:
    poisoned, pid = killed_by_a_letter(scan)
    poisoned.start()
    letter_kills(poisoned, pid)
    poisoned.start()
    alone(scan, "read")
    good_is_served(scan)
    assert living(pid)


def test_where_a_letter_in_between_did_no_harm(scan: Scan) -> None:
    poisoned, pid = killed_by_a_letter(scan)
    poisoned.mend()
    poisoned.start()
    taken_up(scan, "bad")
    served(scan, "bad")
    poisoned.mend(False)
    letter_kills(poisoned, pid)
    poisoned.start()
    taken_up(scan, "bad")
    assert not scan.until("bad", lambda found: found.pid == pid).alone


def test_a_lone_supervise(scan: Scan) -> None:
    poisoned = Poisoned(scan, TOLD, "supervise")
    directory = scan.services / "bad"
    poisoned.mend()
    first = poisoned.start(directory)
    taken_up(scan, "bad")
    pid = scan.up("bad")
    served(scan, "bad")
    first.kill()
    poisoned.died()
    poisoned.mend(False)
    for _ in range(2):
        poisoned.start(directory)
        poisoned.died()
    poisoned.start(directory)
    scan.says("left alone: two supervisors in a row died at it")
    taken_up(scan, "bad")
    assert living(pid)
    poisoned.mend()
    scan.control("bad", "ut")
    scan.up("bad", beside=pid)


@pytest.mark.parametrize("spoil", ["directory", "noise", "read-only"])
def test_where_nothing_can_be_noted_all_else_works(scan: Scan, spoil: str) -> None:
    scan.add("good")
    (scan.home / ".svscan").mkdir()
    path = scan.home / ".svscan/handling"
    if spoil == "directory":
        path.mkdir()
    elif spoil == "noise":
        path.write_bytes(b"\xff\0" * 5000)
    else:
        path.symlink_to("/proc/self/nothing")
    scan.start()
    good_is_served(scan)
    assert scan.stop() == 0


# A file system that hangs

LIBC = ctypes.CDLL(None, use_errno=True)
DETACH = 2


class Hanging:
    """A FUSE file system whose server never answers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(exist_ok=True)
        self._server = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._server},rootmode=40755,user_id=0,group_id=0"
        words = (b"hanging", os.fsencode(path), b"fuse", 0, options.encode())
        if LIBC.mount(*words):
            os.close(self._server)
            raise OSError(ctypes.get_errno(), "mount")

    def close(self) -> None:
        """Whoever waits for it has an error."""
        if self._server >= 0:
            LIBC.umount2(os.fsencode(self._path), DETACH)
            os.close(self._server)
            self._server = -1


@contextmanager
def hung(path: Path) -> Iterator[Hanging]:
    try:
        found = Hanging(path)
    except OSError as error:
        pytest.skip(f"needs /dev/fuse and the right to mount: {error}")
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def hanging(short_path: Path) -> Iterator[Hanging]:
    with hung(short_path / "hanging") as found:
        yield found


def test_a_file_system_that_hangs(scan: Scan, short_path: Path, hanging: Hanging) -> None:
    """A process of its own waits for it, and all others are served."""
    (scan.home / "hung").symlink_to(short_path / "hanging/service")
    scan.add("good")
    svscan = scan.start()
    good_is_served(scan)
    where = short_path / "hanging"
    scan.says(f"hung is not supervised: the file system at {where} does not answer\n")
    svscan.send_signal(signal.SIGHUP)
    scan.add("zz")
    scan.up("zz")
    good_is_served(scan)
    assert scan.said().count("\n") == 1, "one line"
    assert scan.stop() == 0


def test_a_file_system_that_answers_in_the_end(
    scan: Scan, short_path: Path, hanging: Hanging
) -> None:
    where = short_path / "hanging"
    for place in (scan.services, scan.home):
        (place / "hung").symlink_to(where)
    scan.start()
    scan.says(f"hung is not supervised: the file system at {where} does not answer\n")
    hanging.close()
    program(where / "run", SLEEPER)
    scan.up("hung")
    assert not (scan.home / ".svscan/refused/hung").exists()


def test_a_service_without_a_link_on_a_file_system_that_hangs(scan: Scan, short_path: Path) -> None:
    where = short_path / "hanging"
    scan.add("a").rename(where)
    (scan.services / "a").symlink_to(where)
    scan.add("good")
    scan.start()
    pid = scan.up("a")
    (scan.home / "a").unlink()
    served(scan, "a")
    scan.kill()
    with hung(where):
        scan.start()
        good_is_served(scan)
        scan.says(f"{where} is not supervised: the file system at {where} does not answer\n")
    taken_up(scan, "a")
    scan.control("a", "t")
    scan.up("a", beside=pid)
    assert scan.said().count("\n") == 1, "one line"


def test_a_file_system_that_answers_when_all_is_taken_down(
    scan: Scan, short_path: Path, hanging: Hanging
) -> None:
    """What lies there is not taken up any more: svscan would wait for it without end."""
    (scan.home / "hung").symlink_to(short_path / "hanging")
    scan.add("slow", RECORDER)
    svscan = scan.start()
    slow = begun(scan, "slow")
    children = Path(f"/proc/{svscan.pid}/task/{svscan.pid}/children")
    eventually(lambda: len(children.read_text().split()) == 2, "it is asked for")
    svscan.send_signal(signal.SIGTERM)
    scan.state("slow", "stopping")
    hanging.close()
    eventually(lambda: children.read_text().split() == [str(slow)], "it has answered")
    end(slow)
    assert svscan.wait(DEADLINE) == 0
    assert not (short_path / "hanging/supervise").exists()


def hangs(pid: int) -> bool:
    """Whether it waits for an answer of a file system."""
    return "fuse" in Path(f"/proc/{pid}/wchan").read_text()


def test_a_file_system_that_hangs_behind_a_second_link(
    scan: Scan, short_path: Path, hanging: Hanging
) -> None:
    """A watchdog, which is the test here, has to end two: the third one serves all others."""
    (short_path / "second").symlink_to(short_path / "hanging/service")
    (scan.home / "hung").symlink_to(short_path / "second")
    scan.add("good")
    scan.add("zz")
    for _ in range(2):
        pid = scan.start().pid
        eventually(partial(hangs, pid), "it hangs")
        begun = time.monotonic()
        eventually(lambda begun=begun: time.monotonic() > begun + HANGS, "for long")
        scan.kill()
    scan.start()
    scan.says(
        "svscan: warning: hung is left alone: two supervisors in a row hung at it, and were ended"
    )
    good_is_served(scan)
    scan.up("zz")
    assert scan.said().count("\n") == 1, "one line"
    assert scan.stop() == 0
