"""A new version that cannot take over: the old one goes on, and says why in one line."""

import os
from pathlib import Path

import pytest

from tests.support.gate import served
from tests.support.scan import Scan, eventually
from tests.support.versions import Installed, ask, refused, upgrade

BREAKS = {
    "a syntax error": ("engine/svscan.py", "import gc\n", "import gc gc\n", "SyntaxError: invalid"),
    "a missing module": ("engine/loop.py", "import heapq\n", "import heapqq\n", "heapqq"),
    "a missing name": ("engine/loop.py", "import count\n", "import kount\n", "ImportError"),
    "in what is imported late": ("engine/watch.py", "import struct\n", "import strukt\n", "strukt"),
    "a hand-over of another version": (
        "protocol/handover.py",
        "\nVERSION = 1\n",
        "\nVERSION = 2\n",
        "svscan: fatal: unable to take over: a hand-over of version 1, not 2",
    ),
    "a state that it does not know": (
        "protocol/record.py",
        '"checking", "up"',
        '"checking", "working"',
        "svscan: fatal: unable to take over: state is 'up', which this version does not know",
    ),
    "an option that it has no more": (
        "commands/svscan.py",
        'name != "--interval"',
        'name != "--every"',
        "svscan: usage: unknown option --interval",
    ),
}


class Upgradable:
    """A svscan whose program file and package can be replaced, with a service."""

    def __init__(self, scan: Scan) -> None:
        self.scan = scan
        self.installed = Installed(scan.home.parent)
        scan.program = self.installed.program
        scan.add("a")
        scan.start("--interval=1000")
        self.pid = scan.up("a")
        served(scan, "a")

    def is_refused(self, why: str, times: int = 1) -> None:
        """See that it is, that the old one goes on as before, and that it keeps nothing of it."""
        assert self.scan.svscan is not None
        before = self.descriptors()
        ask(self.scan)
        said = refused(self.scan, times)
        assert said.startswith(
            "svscan: warning: not upgraded, the old version goes on: " + str(self.scan.program)
        )
        assert why in said
        assert self.scan.said().count("\n") == times, "one line"
        assert self.scan.up("a") == self.pid
        self.scan.control("a", "t")
        self.pid = self.scan.up("a", beside=self.pid)
        served(self.scan, "a")
        assert self.descriptors() == before
        assert not self.children() - {self.pid}

    def descriptors(self) -> int:
        assert self.scan.svscan is not None
        return len(os.listdir(f"/proc/{self.scan.svscan.pid}/fd"))

    def children(self) -> set[int]:
        assert self.scan.svscan is not None
        pid = self.scan.svscan.pid
        return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@pytest.mark.parametrize("what", BREAKS)
def test_one_with(scan: Scan, what: str) -> None:
    module, old, new, why = BREAKS[what]
    upgradable = Upgradable(scan)
    upgradable.installed.change(module, old, new)
    upgradable.is_refused(why)
    upgradable.is_refused(why, 2)
    upgradable.installed.change(module, new, old)
    upgrade(scan)


def test_one_without_its_interpreter(scan: Scan) -> None:
    upgradable = Upgradable(scan)
    upgradable.installed.write_program(python="/no/such/python")
    upgradable.is_refused("its interpreter is missing: '/no/such/python'")


def test_none_at_all(scan: Scan) -> None:
    upgradable = Upgradable(scan)
    scan.program.unlink()
    upgradable.is_refused("file does not exist")


def test_one_that_may_not_be_executed(scan: Scan) -> None:
    upgradable = Upgradable(scan)
    scan.program.chmod(0o644)
    upgradable.is_refused("it is not executable: chmod +x")


@pytest.mark.parametrize(
    ("prelude", "why"),
    [
        ("sys.exit(0)", "exit 0"),
        ("sys.exit(3)", "exit 3"),
        ("os.kill(os.getpid(), 11)", "killed by signal 11"),
        ("print('fit to take over'); os._exit(9)", "exit 9"),
        ("print('x' * 1000000, '\\x1b[31m', flush=True); os._exit(1)", "?[31m"),
    ],
)
def test_one_that_ends(scan: Scan, prelude: str, why: str) -> None:
    upgradable = Upgradable(scan)
    upgradable.installed.write_program(prelude)
    upgradable.is_refused(why)


def test_one_that_hangs(scan: Scan) -> None:
    """It is killed at its deadline, and until then all is served."""
    installed = Installed(scan.home.parent)
    installed.change("engine/trial.py", "PATIENCE = 30.0", "PATIENCE = 3.0")
    scan.program = installed.program
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    hangs = scan.home.parent / "hangs"
    installed.write_program(
        f"import time; open({str(hangs)!r}, 'w').write(str(os.getpid())); time.sleep(1000)"
    )
    ask(scan)
    eventually(hangs.exists, "it is tried")
    scan.control("a", "t")
    scan.up("a", beside=pid)
    assert "not upgraded" not in scan.said(), "served meanwhile"
    assert "was tried, and did not answer in 3 seconds" in refused(scan)
    eventually(lambda: not Path(f"/proc/{hangs.read_text()}").exists(), "it is gone")


def test_one_that_is_gone_when_it_was_tried(scan: Scan) -> None:
    """The exec itself fails: nothing was let go yet."""
    upgradable = Upgradable(scan)
    upgradable.installed.write_program("os.unlink(sys.argv[0])")
    upgradable.is_refused("file does not exist")
    assert scan.stop() == 0


def test_the_order_to_end_while_it_is_tried(scan: Scan) -> None:
    upgradable = Upgradable(scan)
    tried = scan.home.parent / "tried"
    upgradable.installed.write_program(
        f"import time; open({str(tried)!r}, 'w').close(); time.sleep(0.2)"
    )
    ask(scan)
    eventually(tried.exists, "it is tried")
    assert scan.stop() == 0
    assert "upgraded" not in scan.said()


def test_it_is_asked_twice(scan: Scan) -> None:
    """Once is enough, as long as it was not done yet."""
    upgradable = Upgradable(scan)
    tried = scan.home.parent / "tried"
    upgradable.installed.write_program(f"open({str(tried)!r}, 'a').write('x')")
    for _ in range(3):
        ask(scan)
    eventually(lambda: "upgraded in place" in scan.said(), scan.said)
    served(scan, "a")
    assert tried.read_text() in ("xx", "xxxx"), "the first one: tried, then started"
