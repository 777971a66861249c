"""The processes of a director, and which of them is which."""

import contextlib
import time

import psutil

from supervise.director import facts
from supervise.director.facts import Process
from supervise.director.running import option

_MOMENT = 2.5
"""Seconds. Ages are not exact: the kernel counts from a boot time in whole seconds."""

_PID_FILES = {
    facts.VRRP: ("vrrp.pid", "-r", "--vrrp_pid"),
    facts.CHECKERS: ("checkers.pid", "-c", "--checkers_pid"),
}


def processes(pid: int | None, words: list[str]) -> tuple[Process, ...]:
    """The parent and its children; none where it does not run. `words` are its command line."""
    if not pid:
        return ()
    try:
        parent = psutil.Process(pid)
        children = parent.children(recursive=False)
    except psutil.Error:
        return ()
    roles = _roles(pid, words)
    found = [_process(parent, facts.PARENT)]
    found += [
        _process(one, roles.get(one.pid) or _by_name(one)) for one in children if _same(parent, one)
    ]
    return tuple(one for one in found if one is not None and not _is_passing(one))


def _is_passing(one: Process) -> bool:
    """Before keepalived runs a script, there is a copy of itself for a moment."""
    return one.role == facts.CHILD and one.age < _MOMENT


def _same(parent: psutil.Process, child: psutil.Process) -> bool:
    """A script that keepalived runs is none of its own processes."""
    with contextlib.suppress(psutil.Error):
        return bool(child.exe() == parent.exe())
    return False


def _process(one: psutil.Process, role: str) -> Process | None:
    with contextlib.suppress(psutil.Error), one.oneshot():
        times = one.cpu_times()
        age = max(0.0, time.time() - one.create_time())
        return Process(one.pid, role, age, one.memory_info().rss, times.user + times.system)
    return None


def _by_name(one: psutil.Process) -> str:
    """keepalived 2.0.19 and newer can name its processes (process_names)."""
    with contextlib.suppress(psutil.Error):
        name = one.name()
        return facts.VRRP if "vrrp" in name else facts.CHECKERS if "check" in name else facts.CHILD
    return facts.CHILD


def _roles(pid: int, words: list[str]) -> dict[int, str]:
    """By the pid files, which are all that tells the children apart."""
    found: dict[int, str] = {}
    for role, (name, *options) in _PID_FILES.items():
        chosen = option(words, *options)
        for path in (chosen, f"/run/{name}", f"/run/keepalived/{name}", f"/var/run/{name}"):
            named = _pid_in(f"/proc/{pid}/root{path}") if path else 0
            if named:
                found.setdefault(named, role)
    return found


def _pid_in(path: str) -> int:
    """0 where it names none."""
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read(20))
    except (OSError, ValueError):
        return 0
