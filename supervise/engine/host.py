"""What all services share."""

import time
from collections.abc import Callable

from supervise.engine.admission import Admission
from supervise.engine.children import Children
from supervise.engine.loop import Loop
from supervise.engine.messages import Messages
from supervise.engine.notices import Notices
from supervise.engine.spawn import Spawner


class Host:
    """The loop, the children, and the ways out of the process."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.messages = Messages()
        self.notices = Notices(self.loop)
        self.spawner = Spawner(self.loop, lambda: self.children.reap())
        self.children = Children(lambda: self.spawner.busy)
        self.admission = Admission(self.say)
        self.boot = _boot()
        self.changed: Callable[[], None] = _nobody_minds
        """Called when the status of a service has changed."""

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
