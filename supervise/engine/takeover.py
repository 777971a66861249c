"""What an earlier supervisor left: whose process is it, and how do we go on?

Three answers. Ours: same boot, alive, same start: we go on as if we had started it. Certainly not
ours: it is down. Doubtful: nothing is started and nothing is signalled until `svc -u` decides.
"""

import os
import time
from typing import NamedTuple

from supervise.core import events, machine, situation
from supervise.core.situation import RUNNING, Situation
from supervise.engine import files, ledger, processes
from supervise.engine.spawn import mark
from supervise.protocol import record, status, tai64n
from supervise.protocol.record import Death, Record

_TICKS = os.sysconf("SC_CLK_TCK")
_TOLERANCE = 2.0
"""Seconds by which a classic time stamp and the start of its process may differ."""

_HELPED = frozenset((situation.CHECKING, situation.FINISHING))


class Found(NamedTuple):
    """A living process that was identified beyond doubt."""

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


class Here(NamedTuple):
    """The service directory whose heritage is looked at. `begun`: the `finish` that was meant to
    run has begun, be it that its pid was not recorded any more."""

    device: int
    inode: int
    boot: bytes
    normally_up: bool
    begun: bool = False


def inherit(state: bytes, classic: bytes, here: Here) -> Heritage:
    """From the content of `state` and of `status`; either may be empty, cut short, or noise."""
    if not state:
        return _from_status(classic, here, "")
    try:
        found = record.unpack(state)
    except ValueError as error:
        return _from_status(classic, here, f"supervise/state is not usable ({error})")
    if (found.device, found.inode) != (here.device, here.inode):
        return _afresh(here, remark="supervise/state was copied from elsewhere and is ignored")
    if found.boot != here.boot or found.ended == "stopped":
        return _afresh(here, found)
    return _from_record(found, here)


def _afresh(here: Here, before: Record | None = None, remark: str = "") -> Heritage:
    """Nothing to go on with: the `down` file alone says what is wanted. History is kept."""
    fresh = Record()
    fresh.boot, fresh.device, fresh.inode = here.boot, here.device, here.inode
    fresh.since = tai64n.pack(time.time_ns())
    if before is not None:
        fresh.deaths, fresh.starts = before.deaths, before.starts
    begun = Situation("up" if here.normally_up else "down")
    return Heritage(begun, fresh, events.TAKEN_UP, remark=remark)


def _from_record(found: Record, here: Here) -> Heritage:
    before = ledger.situation_of(found)
    machine.resume(before, here.normally_up)
    if before.state == situation.GONE:
        return _afresh(here, found)
    if before.state in RUNNING:
        event, process = _what_became(found.pid, found.ticks, found.nonce if found.intent else b"")
        if event == events.LOST and any(found.next_nonce):
            event, process = _what_came_next(before, found)
        if process is not None:
            found.pid, found.ticks, found.session = process.pid, process.start, process.pid
        found.intent = False
    elif before.state in _HELPED:
        event, process = _what_became(found.helper_pid, found.helper_ticks, found.helper_nonce)
        if event == events.NEVER_BEGUN and before.state == situation.FINISHING and here.begun:
            event = events.LOST
        if process is not None:
            found.helper_pid, found.helper_ticks = process.pid, process.start
    else:
        event, process = events.FOUND, None
    return Heritage(before, found, event, process)


def _what_became(pid: int, start: int, nonce: bytes) -> tuple[str, Found | None]:
    """Of the process that was recorded, or that was about to be started with this nonce."""
    if not pid:
        if not any(nonce):
            return events.LOST, None
        pid = processes.find_by_environment(mark(nonce)) or 0
        if not pid:
            return events.NEVER_BEGUN, None
        start = processes.start_of(pid)
    found = _identified(pid, start)
    return (events.FOUND, found) if found else (events.LOST, None)


def _what_came_next(before: Situation, found: Record) -> tuple[str, Found | None]:
    """The recorded instance may have died, and the next one have been started, before our
    predecessor could record either."""
    event, process = _what_became(0, 0, found.next_nonce)
    if process is None:
        return events.LOST, None
    uptime = max(0.0, _age(found.ticks) - _age(process.start))
    began = tai64n.pack(time.time_ns() - int(_age(process.start) * 1e9))
    death = Death(began, uptime, record.UNKNOWN, before.asked)
    found.deaths = (death, *found.deaths[: record.MOST_DEATHS - 1])
    found.nonce, found.next_nonce = found.next_nonce, bytes(8)
    found.since = began
    found.starts += 1
    before.state = situation.UP
    before.started_at = time.monotonic() - _age(process.start)
    before.deadline = situation.NEVER
    before.asked = before.owed = before.paused = False
    if before.readiness != "untold":
        before.readiness = "not yet"
    return event, process


def _identified(pid: int, start: int) -> Found | None:
    """None also for what can never be a service of ours, whatever a file says."""
    if pid in (1, os.getpid(), os.getppid()):
        return None
    pidfd = processes.open_if_same(pid, start)
    return None if pidfd is None else Found(pid, start, pidfd)


def _from_status(classic: bytes, here: Here, remark: str) -> Heritage:
    """From the 18 bytes of daemontools's own supervise, which name a pid and when it started."""
    heritage = _afresh(here, remark=remark)
    try:
        since, pid, paused, want = status.unpack(classic)
    except ValueError:
        return heritage
    known = processes.facts(pid) if pid else None
    if known is None or not known.alive:
        return heritage
    at_home = processes.same_directory(pid, here.device, here.inode)
    in_time = _agrees(since, known.start)
    if not at_home and (not in_time or _claimed_elsewhere(pid)):
        return heritage
    found = _identified(pid, known.start) if at_home and in_time else None
    if found is None:
        doubt = (
            f"pid {pid} runs here and may or may not be this service: not started;"
            " svc -u starts it all the same"
        )
        heritage.situation.held = True  # also for a successor of ours that finds our record
        return heritage._replace(event=events.DOUBTFUL, remark=doubt)
    return _classic_instance(heritage, found, since, paused, want)


def _classic_instance(
    heritage: Heritage, found: Found, since: bytes, paused: bool, want: str
) -> Heritage:
    running, kept = heritage.situation, heritage.record
    running.state = situation.UP
    running.want = want
    running.owed = False
    running.paused = paused
    running.started_at = time.monotonic() - _age(found.start)
    kept.pid, kept.ticks, kept.since = found.pid, found.start, since
    return heritage._replace(event=events.FOUND, process=found)


def _claimed_elsewhere(pid: int) -> bool:
    """Its working directory is a service directory whose own status names it: ours is a copy."""
    try:
        return status.unpack(files.read(b"/proc/%d/cwd/supervise/status" % pid, 64))[1] == pid
    except (OSError, ValueError):
        return False


def _age(start: int) -> float:
    """Seconds since a process started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start / _TICKS


def _agrees(since: bytes, start: int) -> bool:
    started = time.time() - _age(start)
    return abs(tai64n.unpack(since) / 1e9 - started) <= _TOLERANCE
