"""What an earlier supervisor left: whose process is it, and how do we go on?

Three answers. Ours: same boot, alive, same start: we go on as if we had started it. Certainly not
ours: it is down. Doubtful: nothing is started and nothing is signalled until `svc -u` decides.
"""

import time

from supervise.core import events, machine, situation
from supervise.core.situation import RUNNING, Situation
from supervise.engine import ledger, processes
from supervise.engine.classic import from_status
from supervise.engine.heritage import (
    Found,
    Here,
    Heritage,
    afresh,
    age,
    doubtful,
    identified,
    unless_marked,
)
from supervise.engine.spawn import MARK, mark
from supervise.protocol import record, tai64n
from supervise.protocol.handover import HandedService
from supervise.protocol.record import Death, Record

_HELPED = frozenset((situation.CHECKING, situation.FINISHING))


def inherit(state: bytes | None, classic: bytes | None, here: Here) -> Heritage:
    """From the content of `state` and of `status`; either may be missing, cut short, or noise."""
    try:
        found = record.unpack(state or b"")
    except ValueError as error:
        if here.blamed:
            return _leave_alone(afresh(here).record)
        if state is None or (not state and classic is None):  # nothing was ever begun
            return from_status(classic, here, "")
        return from_status(classic, here, f"supervise/state is not usable ({error})")
    if (found.device, found.inode) != (here.device, here.inode):
        return afresh(here, remark="supervise/state was copied from elsewhere and is ignored")
    if found.boot != here.boot:
        return unless_marked(afresh(here, found), here)
    if found.ended == "stopped":
        return afresh(here, found)
    if found.alone or here.blamed:
        return _leave_alone(found)
    return _from_record(found, here)


def _leave_alone(found: Record) -> Heritage:
    """Only see whether its process lives."""
    found.alone = True
    before = ledger.situation_of(found)
    running = before.state in RUNNING and found.pid
    start = _start_of(found.pid, found.ticks, found.nonce)
    process = identified(found.pid, start) if running else None
    return Heritage(before, found, events.FOUND if process else events.LOST, process)


def take_over_in_place(handed: HandedService) -> Heritage:
    """From our older self. All that it was asked it has done: nothing has to be done again."""
    found = handed.record
    before = ledger.situation_of(found)
    event, process = _process_of(before, found, False, handed.pid_fd)
    event = events.HANDED_OVER if event == events.FOUND else event
    return Heritage(before, found, event, process, handed=handed)


def _from_record(found: Record, here: Here) -> Heritage:
    before = ledger.situation_of(found)
    machine.resume(before, here.normally_up)
    if before.state == situation.GONE:
        return afresh(here, found)
    meant = before.state in RUNNING and (found.intent or any(found.next_nonce))
    event, process = _process_of(before, found, here.begun(before))
    if meant and process is None:
        pid = _unknown_start(found) or processes.find_orphan(
            MARK, here.device, here.inode, found.ticks
        )
        if pid is not None:
            heritage = afresh(here, found)
            heritage.situation.want = before.want
            return doubtful(heritage, pid)
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
        if event == events.NEVER_BEGUN and begun:
            event = events.LOST
            _enter_unseen(found)
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


def _enter_unseen(found: Record) -> None:
    """An instance of which nothing but its intent was recorded has come and gone."""
    found.deaths = (Death(found.since, 0.0, record.UNKNOWN, False), *_older(found))
    found.starts += 1
    found.session = 0


def _older(found: Record) -> tuple[Death, ...]:
    return found.deaths[: record.MOST_DEATHS - 1]


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
    found = identified(pid, start)
    return (events.FOUND, found) if found else (events.LOST, None)


def _what_came_next(before: Situation, found: Record) -> tuple[str, Found | None]:
    """The recorded instance may have died, and the next one have been started, before our
    predecessor could record either."""
    event, process = _what_became(0, 0, found.next_nonce, -1)
    if process is None:
        return events.LOST, None
    uptime = max(0.0, age(found.ticks) - age(process.start))
    began = tai64n.pack(time.time_ns() - int(age(process.start) * 1e9))
    death = Death(began, uptime, record.UNKNOWN, before.asked)
    found.deaths = (death, *_older(found))
    found.nonce, found.next_nonce = found.next_nonce, bytes(8)
    found.since = began
    found.starts += 1
    before.state = situation.UP
    before.started_at = time.monotonic() - age(process.start)
    before.deadline = situation.NEVER
    before.asked = before.owed = before.paused = False
    if before.readiness != "untold":
        before.readiness = "not yet"
    return event, process
