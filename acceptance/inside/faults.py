"""What the article only hopes for: faults, and what a client saw of each."""

import os
import signal
from collections.abc import Callable

from acceptance.inside.director import Director
from acceptance.inside.outage import Seen, measure
from acceptance.inside.steps import run
from acceptance.inside.waiting import until
from acceptance.inside.world import World


def kills(director: Director, *roles: str) -> Callable[[], None]:
    """SIGKILL to these processes of the director, the parent first."""

    def kill() -> None:
        for pid in [director.pid(role) for role in roles]:
            os.kill(pid, signal.SIGKILL)

    return kill


def kill_parent(world: World) -> Seen:
    return measure(world.director, kills(world.director, "parent"))


def kill_vrrp_child(world: World) -> Seen:
    return measure(world.director, kills(world.director, "vrrp"))


def kill_checker_child(world: World) -> Seen:
    return measure(world.director, kills(world.director, "checkers"))


def kill_all(world: World) -> Seen:
    return measure(world.director, kills(world.director, "parent", "vrrp", "checkers"))


def svc_t(world: World) -> Seen:
    return measure(world.director, lambda: world.director.svc("-t"))


def kill_supervisor(world: World) -> Seen:
    """The next svscan goes on with the same keepalived."""
    director = world.director

    def fault() -> None:
        director.supervisor.kill()
        director.supervisor.wait()
        director.start_supervisor()

    director.await_settled()
    before = director.pids()
    measured = measure(director, fault)
    assert director.pids() == before, (before, director.pids())
    assert f"up (pid {before['parent']})" in director.svstat(), director.svstat()
    return measured


def reload_good_configuration(world: World) -> Seen:
    director = world.director
    director.await_settled()
    before = director.pid("parent")
    measured = measure(director, lambda: director.svc("-h"))
    assert director.pid("parent") == before
    return measured


def reload_broken_configuration(world: World) -> Seen:
    """`svc -h` is unconditional: keepalived ends with 2. Mended once it did."""
    director = world.director
    good = director.configuration.read_text()

    def fault() -> None:
        director.configuration.write_text(good + "\nvrrp_instance VI_2 {\n")
        before = director.pid("parent")
        director.svc("-h")
        until("keepalived gave up", lambda: director.pid("parent") != before, 10)
        director.configuration.write_text(good)

    try:
        return measure(director, fault)
    finally:
        director.configuration.write_text(good)


STEPS = (
    kill_parent,
    kill_vrrp_child,
    kill_checker_child,
    kill_all,
    svc_t,
    kill_supervisor,
    reload_good_configuration,
    reload_broken_configuration,
)

if __name__ == "__main__":
    run("faults", STEPS, World())
