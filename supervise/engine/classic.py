"""Taking over from daemontools's own supervise, which leaves 18 bytes of `status` and no record."""

import time

from supervise.core import events, situation
from supervise.engine import files, processes
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
from supervise.protocol import status, tai64n

_TOLERANCE = 2.0
"""Seconds by which a classic time stamp and the start of its process may differ."""


def from_status(classic: bytes | None, here: Here, remark: str) -> Heritage:
    """From the 18 bytes of daemontools's own supervise, which name a pid and when it started."""
    heritage = afresh(here, remark=remark)
    if classic is None:
        return unless_marked(heritage, here)
    try:
        since, pid, paused, want = status.unpack(classic)
    except ValueError:
        remark = remark or "supervise/status is not usable (cut short)"
        return _unless_adrift(heritage._replace(remark=remark), here)
    known = processes.facts(pid) if pid else None
    if known is None or not known.alive:
        return unless_marked(heritage, here)
    at_home = processes.same_directory(pid, here.device, here.inode)
    in_time = _agrees(since, known.start)
    if not at_home and (not in_time or _claimed_elsewhere(pid)):
        return unless_marked(heritage, here)
    found = identified(pid, known.start) if at_home and in_time else None
    if found is None:
        return doubtful(heritage, pid)
    return _classic_instance(heritage, found, since, paused, want)


def _unless_adrift(heritage: Heritage, here: Here) -> Heritage:
    """As `unless_marked`, where nothing at all tells of what another kind of supervise started."""
    pid = processes.find_adrift(here.device, here.inode)
    return unless_marked(heritage, here) if pid is None else doubtful(heritage, pid)


def _classic_instance(
    heritage: Heritage, found: Found, since: bytes, paused: bool, want: str
) -> Heritage:
    running, record = heritage.situation, heritage.record
    running.state = situation.UP
    running.want = want
    running.owed = False
    running.paused = paused
    running.started_at = time.monotonic() - age(found.start)
    record.pid, record.ticks, record.since = found.pid, found.start, since
    return heritage._replace(event=events.FOUND, process=found)


def _claimed_elsewhere(pid: int) -> bool:
    """Its working directory is a service directory whose own status names it: ours is a copy."""
    try:
        return status.unpack(files.read(b"/proc/%d/cwd/supervise/status" % pid, 64))[1] == pid
    except (OSError, ValueError):
        return False


def _agrees(since: bytes, start: int) -> bool:
    started = time.time() - age(start)
    return abs(tai64n.unpack(since) / 1e9 - started) <= _TOLERANCE
