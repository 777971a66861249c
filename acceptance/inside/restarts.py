"""SIGKILL of keepalived's parent, and a restart that was asked for, under one supervisor.

SUPERVISOR in the environment names it, ROUNDS how often each is done.
"""

import os
import signal
import sys
from collections.abc import Callable

from acceptance.inside.director import SCAN, SVSCAN
from acceptance.inside.faults import kills
from acceptance.inside.outage import Seen, measure
from acceptance.inside.steps import run
from acceptance.inside.world import World

SERVICE = f"{SCAN}/keepalived"
SUPERVISORS = {
    "supervise": SVSCAN,
    "daemontools": ("/usr/bin/svscan", SCAN),
    "runit": ("runsvdir", "-P", SCAN),
    "systemd": (sys.executable, "-m", "acceptance.inside.systemd_policy", SERVICE),
}
LIMIT = 40  # seconds after which it does not come back any more


def rounds(fault: Callable[[World], Callable[[], object]]) -> Callable[[World], list[Seen]]:
    count = int(os.environ.get("ROUNDS", "3"))
    return lambda world: [measure(world.director, fault(world), LIMIT) for _ in range(count)]


def ask_for_restart(world: World) -> Callable[[], object]:
    """`svc -t`, which runit understands too."""
    if os.environ["SUPERVISOR"].startswith("systemd"):
        return lambda: world.director.supervisor.send_signal(signal.SIGUSR1)
    return lambda: world.director.svc("-t")


restart = rounds(ask_for_restart)
restart.__name__ = "restart"
kill_parent = rounds(lambda world: kills(world.director, "parent"))
kill_parent.__name__ = "kill_parent"
STEPS = (restart, kill_parent)

if __name__ == "__main__":
    run("restarts", STEPS, World(SUPERVISORS[os.environ["SUPERVISOR"]]))
