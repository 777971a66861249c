"""What a client sees of one fault, and what the director did meanwhile."""

import threading
import time
from collections.abc import Callable

from acceptance.inside import kernel
from acceptance.inside.client import VIRTUAL_ADDRESS, Client
from acceptance.inside.director import Director, alive
from acceptance.inside.waiting import until

QUIET = 1.0  # seconds of answers before the fault
STEADY = 3.0  # seconds in which all is answered: it is over
AT_LEAST = 8.0  # seconds to look on: an outage may begin late
LOOK_EVERY = 0.01
Seen = dict[str, float]  # a count of failed requests, and seconds


class Phases(threading.Thread):
    """Notes when the old processes ended, the next parent was there and held the address."""

    def __init__(self, director: Director) -> None:
        super().__init__(daemon=True)
        self.director = director
        self.old = director.pids()
        self.seen: dict[str, float] = {}
        self.lost = False
        self.over = threading.Event()
        self.begin = time.monotonic()

    def run(self) -> None:
        while not self.over.wait(LOOK_EVERY):
            holds = kernel.holds(VIRTUAL_ADDRESS)
            self.lost = self.lost or not holds
            if not any(alive(pid) for pid in self.old.values() if pid):
                self._note("old ended")
            if self.director.pid("parent") not in (0, self.old["parent"]):
                self._note("next started")
                if holds and self.lost:
                    self._note("address back")

    def _note(self, what: str) -> None:
        self.seen.setdefault(what, round(time.monotonic() - self.begin, 2))


def measure(director: Director, fault: Callable[[], object], limit: float = 60) -> Seen:
    """Do `fault` to a settled director; counts and seconds, of a client that asks 20 a second.

    Raises LateError if it does not serve steadily again within `limit` seconds.
    """
    director.await_settled()
    client = Client()
    try:
        until("the client is served", lambda: client.served_for(QUIET), 20)
        phases = Phases(director)
        phases.start()
        fault()
        until("some time", lambda: time.monotonic() - phases.begin > AT_LEAST, AT_LEAST + 1)
        until("the client is served steadily", lambda: client.served_for(STEADY), limit)
        phases.over.set()
    finally:
        client.stop()
    gap = round(client.longest_gap(), 2)
    return {"failed": client.failed(), "longest gap": gap, **phases.seen}
