"""A place in a shell script at which it waits for the test, however slow the machine is."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from supervise.engine import processes
from supervise.engine.checked import waiting_bytes
from tests.support.scan import Scan, eventually


class Gate:
    """A FIFO that nobody but the test writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)

    @property
    def wait(self) -> str:
        """The shell command that waits for one opening of the gate. Whoever comes back while it is
        being closed finds nothing to read."""
        return f"until read -r _ <{self.path}; do :; done"

    def _writer(self) -> int | None:
        try:
            return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return None

    def open(self) -> None:
        """Let one through, as soon as it is there: before, nobody has the FIFO open to read."""
        writer = eventually(self._writer, f"somebody at {self.path}")
        try:
            os.write(writer, b"\n")
            # Who is there may be on the way out: what we wrote stays while we have it open.
            eventually(lambda: not waiting_bytes(writer), f"somebody goes through {self.path}")
        finally:
            os.close(writer)


def taken_up(scan: Scan, name: str) -> None:
    """Wait until a svscan has gone on from what it found of it: it announces `ok` last."""
    path = scan.services / name
    eventually(lambda: answers(path), lambda: f"somebody supervises {name}: {scan.said()}")


def answers(directory: Path) -> bool:
    """Whether somebody has `ok` open, as svok asks."""
    try:
        os.close(os.open(directory / "supervise/ok", os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def replace_svscan(scan: Scan, *names: str, meanwhile: Callable[[], object] | None = None) -> None:
    """SIGKILL of svscan, and a successor that has gone on with these services."""
    scan.kill()
    if meanwhile is not None:
        meanwhile()
    scan.start()
    for name in names:
        taken_up(scan, name)


def end(pid: int, number: int = signal.SIGKILL) -> None:
    """Signal a process of a service, and wait until it is dead."""
    os.kill(pid, number)
    gone(pid)


def gone(pid: int) -> None:
    """Wait until it is dead. Whoever has to reap it may take its time."""
    eventually(lambda: not living(pid), f"pid {pid} gone")


def living(pid: int) -> bool:
    known = processes.facts(pid)
    return known is not None and known.alive


def instances(scan: Scan, name: str) -> list[int]:
    """The living session leaders in this service directory, as seen from outside."""
    found = []
    for pid in scan.ours():
        known = processes.facts(pid)
        here = works_in(pid, scan.services / name)
        if here and known and known.alive and known.session == pid:
            found.append(pid)
    return found


def works_in(pid: int, directory: Path) -> bool:
    """Whether this is the working directory of the process; not where that is gone."""
    try:
        return os.readlink(b"/proc/%d/cwd" % pid) == os.fsencode(directory)
    except OSError:
        return False


def all_read(scan: Scan, name: str) -> bool:
    """Whether svscan has taken all letters out of the control FIFO."""
    fd = os.open(scan.services / name / "supervise/control", os.O_RDWR | os.O_NONBLOCK)
    try:
        return waiting_bytes(fd) == 0
    finally:
        os.close(fd)


def served(scan: Scan, name: str) -> None:
    """Wait until svscan has nothing more to do for this service: a letter that does nothing, and
    which is read after all that came before has been seen to, is read, and so is a second one."""
    for _ in range(2):
        scan.control(name, " ")
        eventually(lambda: all_read(scan, name), f"the letters of {name} are read")


def only_instance(scan: Scan, name: str) -> int:
    """The pid of the service that is up, when it is what is seen from outside, and nothing else."""

    def seen() -> int:
        found = scan.record(name)
        ours = instances(scan, name)
        settled = found is not None and found.state == "up" and found.want == "up"
        return found.pid if found and settled and ours == [found.pid] else 0

    return eventually(
        seen, lambda: f"{name}: {instances(scan, name)}; {scan.shown(name)}; {scan.said()}"
    )


def on_its_way(scan: Scan, name: str, beside: int) -> int:
    """The pid of the next instance, when it is in its directory and executes now."""
    assert scan.svscan is not None
    tasks = Path(f"/proc/{scan.svscan.pid}/task")

    def seen() -> int:
        for task in tasks.iterdir():
            for pid in map(int, (task / "children").read_text().split()):
                if pid != beside and _is_in(pid, scan.services / name):
                    return pid
        return 0

    return eventually(seen, f"{name} is on its way")


def _is_in(pid: int, directory: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory
    except OSError:
        return False
