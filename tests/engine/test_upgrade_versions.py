"""Upgrades under load, to other versions, and back."""

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from supervise.protocol import record
from tests.support.gate import Gate, end, instances, replace_svscan, served
from tests.support.probe import RECORDER, begun, notes
from tests.support.scan import Scan, eventually
from tests.support.versions import Installed, Slow, upgrade

LINE = len("SIGHUP\n")
FAILS = "#!/bin/sh\necho x >>../failed\nexit 7\n"
FAST = {"backoff__first": "0.1\n", "backoff__max": "0.1\n"}
NUMBERS = "#!/bin/sh\nn=0\nwhile :; do n=$((n + 1)); echo $n; sleep 0.002; done\n"
KEEPS = "#!/bin/sh\nexec cat >>../../lines\n"

OTHER = [
    ("protocol/record.py", "\nSIZE = 1024\n", "\nSIZE = 2048\n"),
    ("protocol/record.py", "\nVERSION = 1\n", "\nVERSION = 2\n"),
    ("protocol/record.py", '"<16sQQ BBBBH I', '"<16sQQ BBBB5xH I'),
    (
        "protocol/record.py",
        '("down", "waiting", "checking", "up",',
        '("up", "checking", "waiting", "down",',
    ),
]
"""Changes that make a version whose record has another layout."""


def change(installed: Installed) -> None:
    for module, old, new in OTHER:
        installed.change(module, old, new)


def change_back(installed: Installed) -> None:
    for module, old, new in OTHER:
        installed.change(module, new, old)


class Sender(threading.Thread):
    """Sends letters to a RECORDER without end, each when the one before it has come."""

    def __init__(self, scan: Scan, name: str, over: threading.Event) -> None:
        super().__init__()
        self._scan = scan
        self._name = name
        self._over = over
        self.sent = 0
        self.trouble: Exception | None = None

    def run(self) -> None:
        path = self._scan.services / self._name / "noted"
        already = path.stat().st_size
        try:
            while not self._over.is_set():
                self._scan.control(self._name, "h")
                self.sent += 1
                eventually(
                    lambda: path.stat().st_size == already + self.sent * LINE,
                    f"letter {self.sent}",
                )
        except Exception as error:
            self.trouble = error


@pytest.mark.timeout(600)
@pytest.mark.parametrize("versions", ["one version", "two layouts in turn"])
def test_a_hundred_upgrades_under_load(scan: Scan, versions: str) -> None:
    installed = Installed(scan.home.parent)
    scan.program = installed.program
    for name in "abc":
        scan.add(name, RECORDER)
    scan.add("fails", FAILS, **FAST)
    scan.add("logged", NUMBERS, log__run=KEEPS)
    scan.start()
    pids = {name: begun(scan, name) for name in "abc"}
    pids |= {name: scan.up(name) for name in ("logged", "logged/log")}
    over = threading.Event()
    senders = [Sender(scan, name, over) for name in "abc"]
    for sender in senders:
        sender.start()
    try:
        for times in range(100 if versions == "one version" else 20):
            if versions != "one version":
                (change_back if times % 2 else change)(installed)
            upgrade(scan, times + 1)
    finally:
        over.set()
        for sender in senders:
            sender.join()
    assert [sender.trouble for sender in senders] == [None] * len(senders)
    assert min(sender.sent for sender in senders) > times, "they did send all the time"
    served(scan, "fails")
    for name, pid in pids.items():
        assert scan.up(name) == pid
        assert instances(scan, name) == [pid]
    found = scan.until("fails", lambda found: len(found.deaths) == record.MOST_DEATHS)
    assert {death.status for death in found.deaths} == {7}
    scan.control("fails", "d")
    found = scan.state("fails", "down")
    assert found.starts == len((scan.services / "failed").read_text().split())
    for name in "abc":
        scan.control(name, "dk")
    assert scan.stop() == 0
    lines = (scan.services / "lines").read_text().split()
    assert lines == [str(number) for number in range(1, len(lines) + 1)]
    assert len(lines) > 100
    assert scan.said().count("\n") == times + 1, scan.said()


def test_after_the_upgrade_the_record_has_the_other_layout(scan: Scan) -> None:
    """So a successor from disk goes on as well; and all the way back."""
    installed = Installed(scan.home.parent)
    scan.program = installed.program
    scan.add("a", RECORDER)
    scan.start()
    pid = begun(scan, "a")
    scan.control("a", "p")
    scan.until("a", lambda found: found.paused)
    state = scan.services / "a/supervise/state"
    change(installed)
    upgrade(scan)
    assert state.read_bytes()[8:12] == b"\2\0\0\x08"
    replace_svscan(scan, "a")
    assert state.read_bytes()[8:12] == b"\2\0\0\x08"
    scan.control("a", "c")
    eventually(lambda: stat(pid) != "T", "it goes on")
    change_back(installed)
    upgrade(scan, 2)
    assert state.read_bytes()[8:12] == b"\1\0\0\x04"
    found = scan.until("a", lambda found: found.pid == pid)
    assert not found.paused
    assert instances(scan, "a") == [pid]
    assert "not usable" not in scan.said()


def stat(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_hand_over_that_turns_out_not_to_be_understood(scan: Scan) -> None:
    """Then the new one goes on from disk, and the letters that came meanwhile are still there."""
    slow = Slow(scan)
    scan.add("a", RECORDER)
    scan.add("b", NUMBERS, log__run=KEEPS)
    scan.start()
    pids = begun(scan, "a"), scan.up("b"), scan.up("b/log")
    slow.installed.change("protocol/handover.py", "\nVERSION = 1\n", "\nVERSION = 2\n")
    slow.installed.change(
        "commands/daemon.py", "        handover.unpack", "        handover.descriptors"
    )
    with slow.upgrade():
        scan.control("a", "h")
        scan.control("a", "1")
    notes(scan, "a", "SIGHUP", "SIGUSR1")
    scan.says(
        "svscan: warning: upgraded, and going on from what is on disk:"
        " a hand-over of version 1, not 2"
    )
    assert (scan.up("a"), scan.up("b"), scan.up("b/log")) == pids
    assert scan.svscan is not None
    before = len(os.listdir(f"/proc/{scan.svscan.pid}/fd"))
    scan.control("a", "dk")
    scan.stop()
    lines = (scan.services / "lines").read_text().split()
    assert lines == [str(number) for number in range(1, len(lines) + 1)]
    scan.start()
    scan.up("a")
    served(scan, "a")
    assert scan.svscan is not None
    assert before == len(os.listdir(f"/proc/{scan.svscan.pid}/fd")), "nothing was left open"


def everything(scan: Scan) -> None:
    """Let svscan do all that it can do."""
    gate = Gate(scan.services / "gate")
    scan.add(
        "all",
        f"#!/bin/sh\necho >&3\n( {gate.wait} ) &\nexec sleep 1000\n",
        start_check="#!/bin/sh\n[ -e ../wanted ] || { echo not yet; exit 1; }\n",
        watch=f"{scan.services}/wanted\n",
        finish="#!/bin/sh\n",
        notification_fd="3\n",
        leftovers="kill\n",
        timeout_kill="100\n",
        down_signal="what is this\n",
        log__run=KEEPS,
    )
    scan.until("all", lambda found: found.reason == "not yet")
    (scan.services / "wanted").touch()
    pid = scan.until("all", lambda found: found.readiness == "ready").pid
    scan.control("all", "thjd")
    scan.state("all", "down")
    scan.control("all", "u")
    end(scan.up("all", beside=pid))
    scan.up("all", beside=pid)
    scan.add("bad", "#!/no/such\n", start_check="#!/no/such\n")
    scan.says("unable to start bad/start-check")
    (scan.home / "dangling").symlink_to("nowhere")
    scan.says("unable to stat dangling")
    (scan.home / "odd\udcff").symlink_to(scan.services / "wanted")
    scan.says("is not a directory")
    assert scan.svscan is not None
    scan.svscan.send_signal(signal.SIGHUP)
    scan.control("all", "dx")
    scan.until("all", lambda found: found.pid == 0)


def test_the_old_one_needs_no_file_of_its_own_any_more(scan: Scan) -> None:
    """While pip replaces the package, and after, it does all that it could do before."""
    installed = Installed(scan.home.parent)
    scan.program = installed.program
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    served(scan, "a")
    away = installed.library.with_name("away")
    installed.library.rename(away)
    everything(scan)
    assert "Error" not in scan.said()
    assert "supervisor fault" not in scan.said()
    away.rename(installed.library)
    upgrade(scan)
    assert scan.up("a") == pid


def test_a_fault_is_told_without_its_files_too(scan: Scan) -> None:
    installed = Installed(scan.home.parent)
    scan.program = installed.program
    installed.change(
        "engine/instance.py",
        "    def send(self, number: int) -> None:\n",
        "    def send(self, number: int) -> None:\n        1 / 0\n",
    )
    scan.add("a")
    scan.start()
    scan.up("a")
    served(scan, "a")
    shutil.rmtree(installed.library)
    scan.control("a", "k")
    scan.says("supervisor fault, set aside: ZeroDivisionError('division by zero') in send, line ")


def test_upgrades_while_other_threads_start_programs(scan: Scan) -> None:
    """With many descriptors, and where no limit has to be put back, they do: what they are about
    to start is waited for, and what they have started are our children after the exec, too."""
    names = [f"s{number}" for number in range(100)]
    for name in names:
        scan.add(name)
    with scan.messages.open("ab") as err:
        words = ["sh", "-c", 'ulimit -Sn $(ulimit -Hn); exec "$0" "$1"', scan.program, scan.home]
        scan.svscan = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=err)
    for name in names:
        scan.up(name)
    for times in range(1, 11):
        for name in names:
            scan.control(name, "t")
        upgrade(scan, times)
    for name in names:
        served(scan, name)
        found = scan.until(name, lambda found: found.pid)
        assert instances(scan, name) == [found.pid]
        assert {death.status for death in found.deaths} == {-signal.SIGTERM}
    assert scan.stop() == 0
