"""Inside a box whose pid 1 is systemd, which has started svscan.service."""

import os
import signal
from pathlib import Path

from tests.boot.inside.services import add, alive, eventually, perform, pid, shell, supervised, up
from tests.boot.inside.unit import main_pid, property_of


def another(before: int) -> int:
    """A svscan that systemd has started after this one, and which is in control."""

    def look() -> int:
        found = main_pid()
        ready = property_of("SubState") == "running" and supervised("a")
        return found if ready and found not in (0, before) else 0

    return eventually(look, "another svscan")


def test() -> None:
    add("a")
    pids = up("a"), up("a/log")
    svscan = main_pid()
    assert alive(svscan)
    assert Path(f"/proc/{pids[0]}/oom_score_adj").read_text() == "0\n"
    limits = Path(f"/proc/{pids[0]}/limits").read_text()
    assert limits.split("Max open files")[1].split()[:2] == ["1024", "524288"], limits
    for _ in range(12):
        os.kill(svscan, signal.SIGKILL)
        svscan = another(svscan)
    assert int(property_of("NRestarts")) == 12
    os.kill(svscan, signal.SIGUSR2)
    eventually(lambda: "upgraded in place" in messages(), "the upgrade")
    assert main_pid() == svscan
    shell("systemctl restart svscan")
    svscan = another(svscan)
    os.kill(svscan, signal.SIGSTOP)
    svscan = another(svscan)
    assert property_of("NRestarts") == "1", "the watchdog"
    assert (pid("a"), pid("a/log")) == pids
    assert all(map(alive, pids)), "no service has noticed anything of it"
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: pid("a") not in (0, pids[0]), "a restart")
    assert shell("systemctl is-active svscan") == "active"
    pids = pid("a"), pid("a/log")
    shell("systemctl stop svscan")
    assert not any(map(alive, pids))
    assert (property_of("Result"), property_of("ActiveState")) == ("success", "inactive")


def messages() -> str:
    return Path("/results/messages").read_text()


perform(test)
