"""A pid namespace of its own, as a container has it, with docs/boot/pid1 or svscan as pid 1."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.box import ROOT
from tests.support.gate import Gate, living, taken_up
from tests.support.scan import BIN, DEADLINE, Scan, eventually, program

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare"
)

UNSHARE = ["unshare", "--pid", "--mount-proc", "--fork", "--kill-child"]


class Container:
    """The pids are those from outside."""

    def __init__(self, scan: Scan, *pid1: str | Path) -> None:
        self._scan = scan
        with scan.messages.open("ab") as err:
            self._outside = subprocess.Popen(
                [*UNSHARE, *pid1, scan.home],
                stdin=subprocess.DEVNULL,
                stderr=err,
                env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"},
            )
        self.pid1 = eventually(lambda: children(self._outside.pid), "pid 1")[0]

    def svscan(self, beside: int = 0) -> int:
        """A child of pid 1 that has this name and is not that one."""
        found = eventually(lambda: child_named(self.pid1, "svscan", beside), self._scan.said)
        taken_up(self._scan, "a")
        return found

    def instances(self) -> list[int]:
        return sorted(pid for pid in self._scan.ours() if living(pid))

    def stop(self) -> int:
        os.kill(self.pid1, signal.SIGTERM)
        return self._outside.wait(DEADLINE)

    def close(self) -> None:
        if self._outside.poll() is None:
            self._outside.kill()
            self._outside.wait(DEADLINE)


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def child_named(parent: int, name: str, beside: int = 0) -> int:
    found = [pid for pid in children(parent) if pid != beside and named(pid, name)]
    return found[0] if found else 0


def named(pid: int, name: str) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text() == name + "\n"
    except OSError:
        return False


@pytest.fixture
def container(scan: Scan) -> Iterator[Container]:
    scan.add("a", log__run="#!/bin/sh\nexec cat\n")
    found = Container(scan, ROOT / "docs/boot/pid1")
    yield found
    found.close()


def _renewed(container: Container, before: list[int]) -> bool:
    """The one that was killed is gone, which takes a moment, and another is there."""
    return len(container.instances()) == 2 and container.instances() != before


def test_pid_1_that_starts_it_again(scan: Scan, container: Container) -> None:
    svscan = container.svscan()
    eventually(lambda: len(container.instances()) == 2, "a service and its logger")
    before = container.instances()
    for _ in range(3):
        os.kill(svscan, signal.SIGKILL)
        svscan = container.svscan(beside=svscan)
    os.kill(container.pid1, signal.SIGUSR2)
    scan.says("upgraded in place")
    assert container.instances() == before
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: _renewed(container, before), "started again")
    assert container.stop() == 0
    assert not container.instances()


def test_told_to_end_while_svscan_is_dead(container: Container) -> None:
    os.kill(container.svscan(), signal.SIGKILL)
    assert container.stop() == 0, "another svscan took everything down"


@pytest.mark.parametrize("pid1", [ROOT / "docs/boot/pid1", BIN / "svscan"], ids=lambda it: it.name)
def test_orphans_are_reaped(scan: Scan, pid1: Path) -> None:
    """Those of `docker exec`, which are no descendants of svscan."""
    gate = Gate(scan.services / "gate")
    program(scan.services / "orphan", f"#!/bin/sh\n{gate.wait}\nexit 3\n")
    container = Container(scan, pid1)
    try:
        enter = ["nsenter", "--pid", f"--target={container.pid1}"]
        subprocess.run([*enter, "/bin/sh", "-c", f"{scan.services}/orphan &"], check=True)
        orphan = eventually(lambda: child_named(container.pid1, "orphan"), "an orphan")
        gate.open()
        eventually(lambda: not named(orphan, "orphan"), "reaped")
    finally:
        container.close()


def test_svscan_as_pid_1(scan: Scan) -> None:
    scan.add("a")
    container = Container(scan, BIN / "svscan")
    try:
        taken_up(scan, "a")
        eventually(container.instances, "a service")
        before = container.instances()
        os.kill(container.pid1, signal.SIGUSR2)
        scan.says("upgraded in place")
        assert container.instances() == before
        assert container.stop() == 0
        assert not container.instances()
    finally:
        container.close()
