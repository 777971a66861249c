"""Inside a box whose pid 1 is sysvinit, which has started svscan by its inittab."""

import os
import signal
from pathlib import Path

from tests.boot.inside.services import add, alive, eventually, perform, pid, shell, supervised, up

LOG = Path("/var/log/svscan.log")


def svscan() -> int:
    """That which has the scan directory."""
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[5].split(":")[2] == str(Path("/service").stat().st_ino):
            return int(fields[4])
    return 0


def another(before: int) -> int:
    def look() -> int:
        found = svscan()
        return found if found not in (0, before) and supervised("a") else 0

    return eventually(look, "another svscan")


def test() -> None:
    add("a")
    pids = up("a"), up("a/log")
    current = another(0)
    for number in (signal.SIGKILL, signal.SIGKILL, signal.SIGQUIT, signal.SIGSEGV):
        os.kill(current, number)
        current = another(current)
    os.kill(current, signal.SIGUSR2)
    eventually(lambda: "upgraded in place" in LOG.read_text(), "the upgrade")
    assert svscan() == current
    assert (pid("a"), pid("a/log")) == pids
    assert all(map(alive, pids)), "no service has noticed anything of it"
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: pid("a") not in (0, pids[0]), "a restart")
    assert not alive(pids[0])
    pids = pid("a"), pid("a/log")
    inittab = Path("/etc/inittab")
    inittab.write_text(inittab.read_text().replace("SV:", "#SV:"))
    shell("telinit q")
    eventually(lambda: not any(map(alive, (*pids, current))), "all is down")


perform(test)
