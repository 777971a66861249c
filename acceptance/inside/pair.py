"""Two directors with VRRP between them: what comes after the article."""

import subprocess
import threading
import time
from collections.abc import Callable

from acceptance.inside import kernel
from acceptance.inside.client import VIRTUAL_ADDRESS
from acceptance.inside.director import ARTICLE, Director
from acceptance.inside.faults import kills
from acceptance.inside.namespaces import OWN
from acceptance.inside.outage import LOOK_EVERY, Seen, measure
from acceptance.inside.steps import run
from acceptance.inside.waiting import until
from acceptance.inside.world import Network

SECOND = "second"
# Who hears the other's advert gives the address up: for so long both may have it.
HANDING_BACK = 0.05  # seconds
ROUTER = "172.16.0.254"  # what the real servers answer through: it moves with the other address


class Pair(Network):
    """The first is MASTER with priority 100, the second BACKUP with 50."""

    def __init__(self) -> None:
        super().__init__()
        both = ARTICLE.read_text().replace(
            "virtual_ipaddress {", f"virtual_ipaddress {{\n        {ROUTER} dev bond0.10"
        )
        backup = both.replace("state MASTER", "state BACKUP").replace("priority 100", "priority 50")
        for name in ("dell", "hitachi"):
            route = ("ip", "-netns", name, "route", "replace", "default", "via", ROUTER)
            subprocess.run(route, check=True)
        self.director = Director(configuration=both)
        self.second = Director(namespace=SECOND, configuration=backup)


class Owners(threading.Thread):
    """Adds up how long both held the address, how long none did, and when the second had it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.seconds = {"two owners": 0.0, "no owner": 0.0}
        self.second_after: float | None = None
        self._last = self._begin = time.monotonic()

    def run(self) -> None:
        while not self.over.wait(LOOK_EVERY):
            owners = [kernel.holds(VIRTUAL_ADDRESS, name) for name in (OWN, SECOND)]
            now = time.monotonic()
            if owners[1] and self.second_after is None:
                self.second_after = now - self._begin
            if owners[0] == owners[1]:
                self.seconds["two owners" if owners[0] else "no owner"] += now - self._last
            self._last = now

    def seen(self) -> Seen:
        taken = {} if self.second_after is None else {"second owns after": self.second_after}
        return {what: round(value, 2) for what, value in {**taken, **self.seconds}.items()}


def watched(pair: Pair, fault: Callable[[], object]) -> Seen:
    """Measure, and see who owns the address. At the end it must be one, and stay one."""
    pair.second.await_age()
    pair.director.await_settled()
    until("the second is only a backup", lambda: owners() == [True, False], 20)
    watch = Owners()

    def watched_fault() -> None:
        watch.start()
        fault()

    measured = measure(pair.director, watched_fault)
    watch.over.set()
    watch.join()
    after = Owners()
    after.start()
    after.over.wait(3)
    after.over.set()
    after.join()
    assert after.seconds == {"two owners": 0.0, "no owner": 0.0}, after.seconds
    return {**measured, **watch.seen()}


def owners() -> list[bool]:
    return [kernel.holds(VIRTUAL_ADDRESS, name) for name in (OWN, SECOND)]


def agrees_on_one_owner(pair: Pair) -> None:
    pair.director.await_serving()
    until("only the first owns the address", lambda: owners() == [True, False], 20)


def kill_master_parent(pair: Pair) -> Seen:
    measured = watched(pair, kills(pair.director, "parent"))
    assert measured["two owners"] <= HANDING_BACK, measured
    return measured


def kill_all_of_master(pair: Pair) -> Seen:
    return watched(pair, kills(pair.director, "parent", "vrrp", "checkers"))


def svc_t_on_master(pair: Pair) -> Seen:
    measured = watched(pair, lambda: pair.director.svc("-t"))
    assert measured["two owners"] <= HANDING_BACK, measured
    return measured


def unplug_master(pair: Pair) -> Seen:
    """All cables of the first out; in again when the second has served for a while."""

    def plugged(state: str) -> None:
        for name in ("eth0", "eth1"):
            port = ("ip", "-netns", "switch", "link", "set", name, state)
            subprocess.run(port, check=True)

    def fault() -> None:
        plugged("down")
        until("the second owns the address", lambda: owners()[1], 20)
        time.sleep(5)
        plugged("up")

    try:
        return watched(pair, fault)
    finally:
        plugged("up")


STEPS = (
    agrees_on_one_owner,
    kill_master_parent,
    svc_t_on_master,
    kill_all_of_master,
    unplug_master,
)

if __name__ == "__main__":
    run("pair", STEPS, Pair())
