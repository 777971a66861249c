"""What an earlier supervisor may have left, made by hand, of processes that the test started.

Nothing here is ever told of a process that is not a child of the test.
"""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from supervise.engine import processes
from supervise.engine.host import Host
from supervise.protocol import record, status, tai64n
from supervise.protocol.record import Record
from tests.support.gate import taken_up
from tests.support.scan import Scan, eventually

Started = subprocess.Popen[bytes]
Sleeper = Callable[..., Started]
Debian = Callable[[Path], Started]


def before(directory: Path) -> Record:
    """As an earlier svscan of this boot would have left it: wanted up, and up, but for the pid."""
    found = Record()
    there = directory.stat()
    found.boot, found.device, found.inode = Host().boot, there.st_dev, there.st_ino
    found.state, found.want = "up", "up"
    found.started_at = time.monotonic()
    found.since = tai64n.pack(time.time_ns())
    return found


def keep(directory: Path, found: Record) -> None:
    (directory / "supervise").mkdir(mode=0o700)
    (directory / "supervise/state").write_bytes(record.pack(found))


def classic(directory: Path, pid: int, seconds_ago: float = 0, want: str = "up") -> None:
    """As daemontools's own supervise would have left it."""
    (directory / "supervise").mkdir(mode=0o700, exist_ok=True)
    since = tai64n.pack(time.time_ns() - int(seconds_ago * 1e9))
    (directory / "supervise/status").write_bytes(status.pack(since, pid, False, want))


def supervised(scan: Scan) -> None:
    scan.link("a")
    scan.start()
    taken_up(scan, "a")


def harmless(scan: Scan, stranger: Started) -> None:
    """Whatever is asked of the service, the stranger gets none of it."""
    for letters in ("p", "t", "k", "d", "u", "dx"):
        scan.control("a", letters)
        taken_up(scan, "a")
    assert scan.stop() == 0
    known = processes.facts(stranger.pid)
    assert known is not None
    assert known.state == b"S"
    assert stranger.poll() is None


def classic_up(directory: Path) -> int:
    def pid() -> int:
        try:
            return status.unpack((directory / "supervise/status").read_bytes())[1]
        except (OSError, ValueError):
            return 0

    return eventually(pid, "a pid in status")
