"""What /proc tells of processes, and who they are.

A process is named by its pid together with its start, in clock ticks since boot: a pid is used
again, the pair is not (within one boot).

That a process cannot be looked at, because no file can be opened, does not mean that there is none:
then all of these raise OSError.
"""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from supervise.engine.checked import Identity, identity, lacks_room

_DEAD = b"ZX"
_EXECUTING = b"RD"

_NO_PROCESS = (errno.ESRCH, errno.ENOENT, errno.EINVAL)
"""What pidfd_open says where there is none of this pid, or only a thread."""

_EXECUTION = 1.0
"""Seconds that we look again at what is being executed at this very moment. It takes microseconds;
but one processor of a machine that is a guest may stand still for long. So much is also lost where
something runs that has no environment."""


class Facts(NamedTuple):
    """From /proc/PID/stat. `start` is in clock ticks since boot."""

    state: bytes
    parent: int
    session: int
    start: int

    @property
    def alive(self) -> bool:
        return self.state not in _DEAD


def facts(pid: int) -> Facts | None:
    """None where there is no such process."""
    try:
        fd = os.open(b"/proc/%d/stat" % pid, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        _unseen(error)
        return None
    try:
        text = os.read(fd, 1024)
    except OSError as error:
        _unseen(error)
        return None
    finally:
        os.close(fd)
    fields = text[text.rindex(b")") + 2 :].split()
    return Facts(fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


def is_child(pid: int) -> bool:
    """Whether it is ours to wait for, dead or alive. A thread never is."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def start_of(pid: int) -> int:
    """Start in ticks; 0 where there is no such process."""
    found = facts(pid)
    return found.start if found else 0


def all_pids() -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            yield int(name)


def session_members(session: int) -> list[int]:
    """The living processes of a session, its leader not counted."""
    return [pid for pid in all_pids() if pid != session and _belongs(pid, session)]


def _belongs(pid: int, session: int) -> bool:
    known = facts(pid)
    return known is not None and known.session == session and known.alive


def find_by_environment(entry: bytes) -> int | None:
    """The first living session leader that has this NAME=VALUE in its environment."""
    leaders = {pid: _of_leader(pid) for pid in all_pids()}
    end = time.monotonic() + _EXECUTION
    for pid, entries in leaders.items():
        if _shows(pid, entries, entry, end):
            return pid
    return None


def is_marked(pid: int, entry: bytes) -> bool:
    """Whether it is a living session leader that has this NAME=VALUE in its environment."""
    return _shows(pid, _of_leader(pid), entry, time.monotonic() + _EXECUTION)


def _shows(pid: int, entries: list[bytes] | None, entry: bytes, end: float) -> bool:
    if entries == []:
        entries = _when_executed(pid, end)
    return bool(entries and entry in entries)


def _when_executed(pid: int, end: float) -> list[bytes] | None:
    while (entries := _of_leader(pid)) == [] and time.monotonic() < end:
        os.sched_yield()
    return entries


def _of_leader(pid: int) -> list[bytes] | None:
    """The environment of a living session leader; None for all others, and for those that have
    none. Empty where it may be in the midst of its execution: there is a moment in which our locks
    are closed already and nothing is set up yet, and whoever sleeps is not in it."""
    path = b"/proc/%d/environ" % pid
    environment = _content(path)
    known = facts(pid) if environment is not None else None
    if known is None or not known.alive or known.session != pid:
        return None
    if not environment and known.state not in _EXECUTING:
        environment = _content(path)  # it may have been set up meanwhile
        if not environment:
            return None
    return (environment or b"").split(b"\0")[:-1]


def _content(path: bytes) -> bytes | None:
    """None where there is no such process, or where it is not for us to read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        _unseen(error)
        return None


def _unseen(error: OSError) -> None:
    """Pass over that it is gone, or not for us to see.

    :raises OSError: the same one, where we could not look.
    """
    if lacks_room(error):
        raise error


def find_marked(start: bytes, device: int, inode: int) -> int | None:
    """The first living session leader that works in this directory and has a variable in its
    environment that begins so."""
    for pid, _ in _leaders_in(device, inode):
        if _has(pid, start):
            return pid
    return None


def all_marked(start: bytes) -> dict[Identity, int]:
    """The living session leaders that have a variable in their environment that begins so, by the
    directories that they work in."""
    found = {}
    for pid in all_pids():
        known = facts(pid) if _has(pid, start) else None
        if known and known.alive and known.session == pid:
            with contextlib.suppress(FileNotFoundError, PermissionError):
                found[identity(os.stat(b"/proc/%d/cwd" % pid))] = pid
    return found


def find_orphan(start: bytes, device: int, inode: int, not_before: int) -> int | None:
    """The first living session leader that works in this directory, has no such variable, and whose
    parent has died: it went to us or to one above us.

    :param not_before: the least start that it may have, in ticks.
    """
    ours = _line_of(os.getpid())
    for pid, known in _leaders_in(device, inode):
        orphan = pid not in ours and known.parent in ours
        if orphan and known.start >= not_before and not _has(pid, start):
            return pid
    return None


def find_adrift(device: int, inode: int) -> int | None:
    """The first living process that works in this directory and whose parent has died."""
    ours = _line_of(os.getpid())
    for pid in all_pids():
        known = facts(pid) if pid not in ours and same_directory(pid, device, inode) else None
        if known and known.alive and known.parent in ours:
            return pid
    return None


def _leaders_in(device: int, inode: int) -> Iterator[tuple[int, Facts]]:
    for pid in all_pids():
        if same_directory(pid, device, inode):
            known = facts(pid)
            if known and known.alive and known.session == pid:
                yield pid, known


def _line_of(pid: int) -> list[int]:
    """A process, its parent, and so on."""
    line = []
    while pid and (known := facts(pid)):
        line.append(pid)
        pid = known.parent
    return line


def _has(pid: int, start: bytes) -> bool:
    environment = _content(b"/proc/%d/environ" % pid) or b""
    return any(entry.startswith(start) for entry in environment.split(b"\0"))


def same_directory(pid: int, device: int, inode: int) -> bool:
    """Whether this is the working directory of the process."""
    try:
        found = os.stat(b"/proc/%d/cwd" % pid)
    except OSError as error:
        _unseen(error)
        return False
    return identity(found) == (device, inode)


def open_if_same(pid: int, start: int) -> int | None:
    """A pidfd of the living process that has this pid and start; None where it is another one,
    a thread, or gone.

    Asked before and after the opening, because the pid may be used again in between.
    """
    if not _is(pid, start):
        return None
    return _open_where(pid, lambda: _is(pid, start))


def open_if_member(pid: int, session: int) -> int | None:
    """A pidfd of the living process that belongs to this session; None where it does no more."""
    return _open_where(pid, lambda: _belongs(pid, session))


def _open_where(pid: int, right: Callable[[], bool]) -> int | None:
    """Asked after the opening: from then on the pid cannot be another's."""
    try:
        fd = os.pidfd_open(pid)
    except OSError as error:
        if error.errno not in _NO_PROCESS:
            raise
        return None
    kept = False
    try:
        kept = right()
    finally:
        if not kept:
            os.close(fd)
    return fd if kept else None


def _is(pid: int, start: int) -> bool:
    found = facts(pid)
    return found is not None and found.start == start and found.alive
