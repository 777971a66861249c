"""What an earlier supervisor left of a service, and what can be made of it."""

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from supervise.core import events
from supervise.core.situation import Situation
from supervise.engine import processes
from supervise.engine.spawn import MARK
from supervise.protocol import tai64n
from supervise.protocol.handover import HandedService
from supervise.protocol.record import Record

_TICKS = os.sysconf("SC_CLK_TCK")


class Found(NamedTuple):
    """A process that was identified beyond doubt. `pidfd` is -1 for our own child, which may also
    be dead and not reaped yet: after an upgrade in place."""

    pid: int
    start: int
    pidfd: int


class Heritage(NamedTuple):
    """How to go on: the situation and record to begin with, the event that says what became of
    the process in question, that process itself, and a line to say."""

    situation: Situation
    record: Record
    event: str
    process: Found | None = None
    remark: str = ""
    handed: HandedService = HandedService()


class Here(NamedTuple):
    """The service directory whose heritage is looked at."""

    device: int
    inode: int
    boot: bytes
    normally_up: bool
    blamed: bool = False
    """Whether it was in hand when supervisors died, one after the other."""
    begun_opened: bool = False
    """Whether what was meant to run has opened the file `begun`."""
    finishes: bool = False
    """Whether it has a `finish`."""
    stray: Callable[[], int | None] = lambda: None
    """Looks for a process that runs here as a service, where no record tells of any."""

    def begun(self, before: Situation) -> bool:
        """Whether it is known that what was meant to run has begun, be its pid not recorded."""
        return self.begun_opened and (self.finishes or before.want == "once")


def afresh(here: Here, before: Record | None = None, remark: str = "") -> Heritage:
    """Nothing to go on with: the `down` file alone says what is wanted. History is kept."""
    fresh = Record()
    fresh.boot, fresh.device, fresh.inode = here.boot, here.device, here.inode
    fresh.since = tai64n.pack(time.time_ns())
    if before is not None:
        fresh.deaths, fresh.starts = before.deaths, before.starts
    situation = Situation("up" if here.normally_up else "down")
    return Heritage(situation, fresh, events.TAKEN_UP, remark=remark)


def unless_marked(heritage: Heritage, here: Here) -> Heritage:
    """A record that we cannot read, of another version or spoilt, may have known of an instance
    that `status` does not tell of, because it was just being started; so may one that is gone."""
    spoilt = bool(heritage.remark)
    pid = processes.find_marked(MARK, here.device, here.inode) if spoilt else here.stray()
    return heritage if pid is None else doubtful(heritage, pid)


def doubtful(heritage: Heritage, pid: int) -> Heritage:
    doubt = (
        f"pid {pid} runs here and may or may not be this service: not started;"
        " svc -u starts it all the same"
    )
    heritage.situation.held = True  # also for a successor of ours that finds our record
    return heritage._replace(event=events.DOUBTFUL, remark=doubt)


def identified(pid: int, start: int) -> Found | None:
    """None also for what can never be a service of ours, whatever a file says."""
    if pid in (1, os.getpid(), os.getppid()):
        return None
    if processes.is_child(pid) and processes.start_of(pid) == start:
        return Found(pid, start, -1)
    pidfd = processes.open_if_same(pid, start)
    return None if pidfd is None else Found(pid, start, pidfd)


def age(start: int) -> float:
    """Seconds since a process started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start / _TICKS
