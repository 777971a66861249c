"""SIGKILL of keepalived's parent, and a restart that was asked for, under one supervisor.

SUPERVISOR in the environment names it, ROUNDS how often each is done. PRIORITY is the director's,
where it is not the article's; STEP limits it to one of the two.
"""

import os
import signal
import sys
from collections.abc import Callable

from acceptance.inside.director import ARTICLE, SCAN, SVSCAN
from acceptance.inside.faults import kills
from acceptance.inside.outage import Seen, measure
from acceptance.inside.steps import run
from acceptance.inside.world import World

SERVICE = f"{SCAN}/keepalived"
FLOOR = "floor"  # what no supervisor can beat; `make bench-director` compiles floor.c
SUPERVISORS = {
    "supervise": SVSCAN,
    "daemontools": ("/usr/bin/svscan", SCAN),
    "runit": ("runsvdir", "-P", SCAN),
    "systemd": (sys.executable, "-m", "acceptance.inside.systemd_policy", SERVICE),
    FLOOR: (FLOOR, "keepalived", "-n", "-S", "1", "-f", "/run/director/keepalived.conf"),
}
RESTARTS_ON_USR1 = ("systemd", FLOOR)
LIMIT = 40  # seconds after which it does not come back any more


def rounds(fault: Callable[[World], Callable[[], object]]) -> Callable[[World], list[Seen]]:
    count = int(os.environ.get("ROUNDS", "3"))
    return lambda world: [measure(world.director, fault(world), LIMIT) for _ in range(count)]


def ask_for_restart(world: World) -> Callable[[], object]:
    """`svc -t`, which runit understands too."""
    if os.environ["SUPERVISOR"] in RESTARTS_ON_USR1:
        return lambda: world.director.supervisor.send_signal(signal.SIGUSR1)
    return lambda: world.director.svc("-t")


restart = rounds(ask_for_restart)
restart.__name__ = "restart"
kill_parent = rounds(lambda world: kills(world.director, "parent"))
kill_parent.__name__ = "kill_parent"
STEPS = (restart, kill_parent)

if __name__ == "__main__":
    priority = f"priority {os.environ.get('PRIORITY', '100')}"
    configuration = ARTICLE.read_text().replace("priority 100", priority)
    steps = [step for step in STEPS if os.environ.get("STEP", step.__name__) == step.__name__]
    run("restarts", steps, World(SUPERVISORS[os.environ["SUPERVISOR"]], configuration))
