"""What all services share."""

import time
from collections.abc import Callable

from supervise.engine.admission import Admission
from supervise.engine.children import Children
from supervise.engine.faults import Faults
from supervise.engine.handling import Handling
from supervise.engine.heir import Heir
from supervise.engine.loop import Alarm, Loop
from supervise.engine.messages import Messages
from supervise.engine.notices import Notices
from supervise.engine.spawn import Spawner
from supervise.engine.strays import Strays
from supervise.protocol import tai64n


class News:
    """Whom to tell of what happens to any service."""

    def __init__(self) -> None:
        self.changed: Callable[[], None] = _nobody_minds
        """Called when the status of a service has changed."""
        self.locked: Callable[[], None] = _nobody_minds
        """Called when a service's lock is ours, and nothing of it was looked at yet."""


class Host:
    """The loop, the children, and the ways out of the process."""

    def __init__(self, heir: Heir | None = None) -> None:
        self.heir = heir or Heir()
        self.messages = Messages()
        self.loop = Loop(Faults(self.say))
        self.notices = Notices(self.loop)
        self.spawner = Spawner(self.loop, lambda: self.children.reap_put_off(), self.heir.limit)
        self.children = Children(lambda: self.spawner.busy)
        self.admission = Admission(self.say)
        self.boot = _boot()
        self.strays = Strays()
        self.handling = Handling(self.boot, self.loop.soon)
        self.news = News()

    def all_claimed(self) -> None:
        """All has been taken up. Those of our children that have died meanwhile are told of after
        the letters that came meanwhile: a letter is older than what it may have waited for."""
        self.heir.close()
        self.children.begin()
        self.loop.set(Alarm(self.children.reap), now())

    def say(self, program: str, text: str) -> None:
        """One line in the classic grammar: `supervise: warning: ...`."""
        line = f"{program}: {text}".encode("utf-8", "surrogateescape")
        self.messages.say(line)


def _nobody_minds() -> None: ...


def now() -> float:
    """For every deadline, in seconds."""
    return time.monotonic()


def _boot() -> bytes:
    """The id of this boot; zeros where the kernel does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return bytes.fromhex(file.read().strip().replace("-", ""))
    except (OSError, ValueError):
        return bytes(16)


def stamp() -> bytes:
    """For all that is shown, as TAI64N."""
    return tai64n.pack(time.time_ns())


def jitter() -> float:
    """Between -1 and 1: the microseconds of a death are nobody's plan."""
    return time.monotonic_ns() // 1000 % 1000 / 499.5 - 1
