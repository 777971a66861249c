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
from supervise.engine.spawn import NONCE, mark
from supervise.protocol import record, status, tai64n
from supervise.protocol.handover import HandedService
from supervise.protocol.record import Death, Record

_MARK = NONCE + b"="
_TICKS = os.sysconf("SC_CLK_TCK")
_TOLERANCE = 2.0
"""Seconds by which a classic time stamp and the start of its process may differ."""

_HELPED = frozenset((situation.CHECKING, situation.FINISHING))


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
    """The service directory whose heritage is looked at. `begun`: the `finish` that was meant to
    run has begun, be it that its pid was not recorded any more."""

    device: int
    inode: int
    boot: bytes
    normally_up: bool
    blamed: bool = False
    """Whether it was in hand when supervisors died, one after the other."""
    begun: bool = False
    """Whether the `finish` that was meant to run has begun, be it that its pid was not recorded."""


def inherit(state: bytes | None, classic: bytes | None, here: Here) -> Heritage:
    """From the content of `state` and of `status`; either may be missing, cut short, or noise."""
    try:
        found = record.unpack(state or b"")
    except ValueError as error:
        if here.blamed:
            return _leave_alone(_afresh(here).record)
        if state is None or (not state and classic is None):  # nothing was ever begun
            return _from_status(classic, here, "")
        return _from_status(classic, here, f"supervise/state is not usable ({error})")
    if (found.device, found.inode) != (here.device, here.inode):
        return _afresh(here, remark="supervise/state was copied from elsewhere and is ignored")
    if found.boot != here.boot or found.ended == "stopped":
        return _afresh(here, found)
    if found.alone or here.blamed:
        return _leave_alone(found)
    return _from_record(found, here)


def _leave_alone(found: Record) -> Heritage:
    """Only see whether its process lives."""
    found.alone = True
    before = ledger.situation_of(found)
    running = before.state in RUNNING and found.pid
    start = _start_of(found.pid, found.ticks, found.nonce)
    process = _identified(found.pid, start) if running else None
    return Heritage(before, found, events.FOUND if process else events.LOST, process)


def take_over_in_place(handed: HandedService) -> Heritage:
    """From our older self. All that it was asked it has done: nothing has to be done again."""
    found = handed.record
    before = ledger.situation_of(found)
    event, process = _process_of(before, found, False, handed.pid_fd)
    event = events.HANDED_OVER if event == events.FOUND else event
    return Heritage(before, found, event, process, handed=handed)


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
    meant = before.state in RUNNING and (found.intent or any(found.next_nonce))
    event, process = _process_of(before, found, here.begun)
    if meant and process is None:
        pid = _unknown_start(found) or processes.find_orphan(
            _MARK, here.device, here.inode, found.ticks
        )
        if pid is not None:
            heritage = _afresh(here, found)
            heritage.situation.want = before.want
            return _doubtful(heritage, pid)
    return Heritage(before, found, event, process)


def _unknown_start(found: Record) -> int | None:
    """Who has the pid of the instance now, where its start could not be read."""
    alive = found.pid and not found.ticks and processes.start_of(found.pid)
    return found.pid if alive else None


def _process_of(
    before: Situation, found: Record, begun: bool, pidfd: int = -1
) -> tuple[str, Found | None]:
    """What became of the one that the situation is about, and enter it into the record."""
    if before.state in RUNNING:
        nonce = found.nonce if found.intent else b""
        start = _start_of(found.pid, found.ticks, found.nonce)
        event, process = _what_became(found.pid, start, nonce, pidfd)
        if event == events.LOST and any(found.next_nonce):
            event, process = _what_came_next(before, found)
        if process is not None:
            found.pid, found.ticks, found.session = process.pid, process.start, process.pid
        found.intent = False
        return event, process
    if before.state in _HELPED:
        nonce = found.helper_nonce
        start = _start_of(found.helper_pid, found.helper_ticks, nonce)
        event, process = _what_became(found.helper_pid, start, nonce, pidfd)
        if event == events.NEVER_BEGUN and before.state == situation.FINISHING and begun:
            event = events.LOST
        if process is not None:
            found.helper_pid, found.helper_ticks = process.pid, process.start
        return event, process
    return events.FOUND, None


def _start_of(pid: int, start: int, nonce: bytes) -> int:
    """As recorded. Where it could not be read then, that of the process with this pid, if it has
    the nonce; else 0, which is nobody's."""
    if start or not pid or not processes.is_marked(pid, mark(nonce)):
        return start
    return processes.start_of(pid)


def _what_became(pid: int, start: int, nonce: bytes, pidfd: int) -> tuple[str, Found | None]:
    """Of the process that was recorded, or that was about to be started with this nonce.

    :param pidfd: where it is held already; else -1.
    """
    if pidfd >= 0:
        return events.FOUND, Found(pid, start, pidfd)
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
    event, process = _what_became(0, 0, found.next_nonce, -1)
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
    if processes.is_child(pid) and processes.start_of(pid) == start:
        return Found(pid, start, -1)
    pidfd = processes.open_if_same(pid, start)
    return None if pidfd is None else Found(pid, start, pidfd)


def _from_status(classic: bytes | None, here: Here, remark: str) -> Heritage:
    """From the 18 bytes of daemontools's own supervise, which name a pid and when it started."""
    heritage = _afresh(here, remark=remark)
    if classic is None:
        return _unless_marked(heritage, here)
    try:
        since, pid, paused, want = status.unpack(classic)
    except ValueError:
        remark = remark or "supervise/status is not usable (cut short)"
        return _unless_adrift(_afresh(here, remark=remark), here)
    known = processes.facts(pid) if pid else None
    if known is None or not known.alive:
        return _unless_marked(heritage, here)
    at_home = processes.same_directory(pid, here.device, here.inode)
    in_time = _agrees(since, known.start)
    if not at_home and (not in_time or _claimed_elsewhere(pid)):
        return heritage
    found = _identified(pid, known.start) if at_home and in_time else None
    if found is None:
        return _doubtful(heritage, pid)
    return _classic_instance(heritage, found, since, paused, want)


def _unless_marked(heritage: Heritage, here: Here) -> Heritage:
    """A record that we cannot read, of another version or spoilt, may have known of an instance
    that `status` does not tell of, because it was just being started."""
    if not heritage.remark:
        return heritage
    pid = processes.find_marked(_MARK, here.device, here.inode)
    return heritage if pid is None else _doubtful(heritage, pid)


def _unless_adrift(heritage: Heritage, here: Here) -> Heritage:
    """As `_unless_marked`, where nothing at all tells of what another kind of supervise started."""
    pid = processes.find_adrift(here.device, here.inode)
    return _unless_marked(heritage, here) if pid is None else _doubtful(heritage, pid)


def _doubtful(heritage: Heritage, pid: int) -> Heritage:
    doubt = (
        f"pid {pid} runs here and may or may not be this service: not started;"
        " svc -u starts it all the same"
    )
    heritage.situation.held = True  # also for a successor of ours that finds our record
    return heritage._replace(event=events.DOUBTFUL, remark=doubt)


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
