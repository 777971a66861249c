"""Inside a box with systemd: a service eats more memory than svscan.service may have."""

import os
import signal
from pathlib import Path

from tests.boot.inside.services import add, alive, eventually, perform, pid, shell, up
from tests.boot.inside.unit import main_pid, property_of

EATEN = Path("/run/eaten")
EATER = f"""
[ -e {EATEN} ] && exec sleep 100000
>{EATEN}
exec python3 -c '
eaten = []
while True: eaten.append(bytearray(b"x") * 1000000)'
"""
EVENTS = Path("/sys/fs/cgroup/system.slice/svscan.service/memory.events")
DROP_IN = Path("/run/systemd/system/svscan.service.d/oom.conf")


def test() -> None:
    add("a")
    shell("systemctl set-property --runtime svscan MemoryMax=64M")
    before = main_pid(), up("a"), up("a/log")
    add("eater", EATER)
    eventually(lambda: "oom_kill 1\n" in EVENTS.read_text(), "the kernel kills the eater")
    eventually(asleep, "the eater is started again")
    assert (main_pid(), pid("a"), pid("a/log")) == before
    assert property_of("ActiveState") == "active"
    systemd_stops_the_unit_by_default()
    eat()
    eventually(lambda: pid("a") not in (0, before[1]), "all services are restarted")
    assert main_pid() != before[0]
    assert not any(map(alive, before))


def asleep() -> bool:
    """Whether the eater has eaten, and is up again."""
    try:
        return Path(f"/proc/{pid('eater')}/comm").read_text() == "sleep\n"
    except OSError:
        return False


def eat() -> None:
    EATEN.unlink()
    os.kill(pid("eater"), signal.SIGKILL)


def systemd_stops_the_unit_by_default() -> None:
    DROP_IN.parent.mkdir(parents=True)
    DROP_IN.write_text("[Service]\nOOMPolicy=stop\n")
    shell("systemctl daemon-reload")


perform(test)
