"""One look at a director: its processes, addresses and table, without asking keepalived."""

import contextlib
import os
import time
from typing import Any

import psutil

from supervise.director import facts, ipvs, journal, service_directory
from supervise.director.configuration import Configuration, Vrrp, parse
from supervise.director.facts import Facts, Holding, Instance, Process

_PID_FILES = {
    facts.VRRP: ("vrrp.pid", "-r", "--vrrp_pid"),
    facts.CHECKERS: ("checkers.pid", "-c", "--checkers_pid"),
}


def look(directory: str, service: dict[str, Any]) -> Facts:
    """:param service: what `svstat --json` says of it."""
    wanted, trouble = _configuration(directory)
    processes = _processes(directory, service["pid"])
    started = next((time.time() - one.age for one in processes if one.role == facts.PARENT), 0.0)
    return Facts(
        directory,
        service,
        processes,
        wanted,
        trouble,
        _instances(directory, wanted, _served(service, processes)),
        _table(service["pid"]),
        service_directory.setting(directory, "VRRP_ALONE") == "yes",
        max((_changed(path) for path in wanted.files), default=0.0) if wanted else 0.0,
        max(started, _changed(service_directory.loaded_mark(directory))) if started else 0.0,
        _forbidden(directory),
    )


def _forbidden(directory: str) -> str:
    """`supervise/` is its owner's alone; to anybody else all would look down."""
    path = os.path.join(directory, "supervise")
    if os.path.isdir(path) and not os.access(path, os.R_OK | os.X_OK):
        return f"not allowed to look into {path}: try as root"
    return ""


def _served(service: dict[str, Any], processes: tuple[Process, ...]) -> bool:
    """Whether a VRRP process is there, and not about to end."""
    roles = {one.role for one in processes}
    return service["state"] == "up" and bool(roles & {facts.VRRP, facts.CHILD})


def _configuration(directory: str) -> tuple[Configuration | None, str]:
    path = service_directory.configuration_path(directory)
    try:
        return parse(path, service_directory.read), ""
    except OSError as error:
        return None, f"{error.filename or path}: unable to read: {error.strerror}"
    except ValueError as error:
        return None, str(error)


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


# Processes


def _processes(directory: str, pid: int | None) -> tuple[Process, ...]:
    if not pid:
        return ()
    try:
        parent = psutil.Process(pid)
        children = parent.children(recursive=False)
    except psutil.Error:
        return ()
    roles = _roles(directory, pid)
    found = [_process(parent, facts.PARENT)]
    found += [
        _process(one, roles.get(one.pid) or _by_name(one)) for one in children if _same(parent, one)
    ]
    return tuple(one for one in found if one is not None)


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
    """keepalived 2.2 and newer can name its processes (process_names)."""
    with contextlib.suppress(psutil.Error):
        name = one.name()
        return facts.VRRP if "vrrp" in name else facts.CHECKERS if "check" in name else facts.CHILD
    return facts.CHILD


def _roles(directory: str, pid: int) -> dict[int, str]:
    """By the pid files, which are all that tells the children apart."""
    found: dict[int, str] = {}
    words = service_directory.setting(directory, "OPTIONS").split()
    for role, (name, *options) in _PID_FILES.items():
        for path in (
            _option(words, options),
            f"/run/{name}",
            f"/run/keepalived/{name}",
            f"/var/run/{name}",
        ):
            named = _pid_in(f"/proc/{pid}/root{path}")
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


def _option(words: list[str], options: list[str]) -> str:
    for number, word in enumerate(words):
        for option in options:
            if word == option and number + 1 < len(words):
                return words[number + 1]
            if word.startswith(option + "="):
                return word[len(option) + 1 :]
            if len(option) == 2 and word.startswith(option) and len(word) > 2:
                return word[2:]
    return "/nowhere"


# Addresses


def _instances(directory: str, wanted: Configuration | None, served: bool) -> tuple[Instance, ...]:
    if wanted is None:
        return ()
    here = {
        name: {one.address.partition("%")[0] for one in each}
        for name, each in psutil.net_if_addrs().items()
    }
    links = psutil.net_if_stats()
    known = journal.states(directory)
    found = []
    for vrrp in wanted.vrrp:
        holdings = tuple(_holding(address, name, here, links) for address, name in _places(vrrp))
        instance = Instance(vrrp.name, holdings, served=served)
        state, since = known.get(vrrp.name, ("", None))
        found.append(instance._replace(since=since if state == instance.state else None))
    return tuple(found)


def _places(vrrp: Vrrp) -> list[tuple[str, str]]:
    return [(address, interface or vrrp.interface) for address, interface in vrrp.addresses]


def _holding(
    address: str, interface: str, here: dict[str, set[str]], links: dict[str, Any]
) -> Holding:
    link = links.get(interface)
    up = None if link is None else bool(link.isup)
    return Holding(address, interface, address in here.get(interface, ()), up)


# The table


def _table(pid: int | None) -> tuple[ipvs.Service, ...] | None:
    for path in (f"/proc/{pid}/net/ip_vs", "/proc/net/ip_vs"):
        with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
            return tuple(ipvs.parse(file.read()))
    return None
