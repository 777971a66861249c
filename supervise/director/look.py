"""One look at a director: its processes, addresses and table, without asking keepalived."""

import contextlib
import os
import time
from typing import Any

from supervise.director import facts, ipvs, journal, network, running, service_directory
from supervise.director.configuration import Configuration, Vrrp, parse
from supervise.director.facts import Facts, Holding, Instance, Own
from supervise.director.journal import Entry
from supervise.director.network import Link
from supervise.director.processes import processes

_CLOCK = 1.5
"""Seconds by which the start of a process and the time of day may differ: the kernel counts the
first from a boot time in whole seconds."""


def look(directory: str, service: dict[str, Any]) -> Facts:
    """:param service: what `svstat --json` says of it."""
    pid = service["pid"]
    words = running.command_line(pid)
    seen = Facts(
        directory,
        service,
        time.time(),
        processes(pid, words),
        table=_table(pid),
        vrrp_alone=service_directory.setting(directory, "VRRP_ALONE") == "yes",
        differences=running.differences(directory, words),
        forbidden=_forbidden(directory),
    )
    seen = _with_configuration(seen, running.configuration(directory, words))
    entries = journal.read(directory)
    if seen.loaded:
        deaths = tuple(journal.child_deaths(entries, pid, seen.loaded))
        seen = seen._replace(child_deaths=deaths)
    try:
        links = _links(directory, pid)
    except OSError as error:
        why = f"{error.filename}: unable to look: {error.strerror}"
        return seen._replace(forbidden=seen.forbidden or why)
    return seen._replace(instances=_instances(seen, entries, links))


def _links(directory: str, pid: int | None) -> dict[str, Link]:
    """Where keepalived has its network, or would have it if it were started."""
    for one in filter(None, (pid, service_directory.supervisor(directory))):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended just now
            return network.links(one)
    return network.links(None)


def _forbidden(directory: str) -> str:
    """`supervise/` is its owner's alone; to anybody else all would look down."""
    path = os.path.join(directory, "supervise")
    if os.path.isdir(path) and not os.access(path, os.R_OK | os.X_OK):
        return f"not allowed to look into {path}: try as root"
    return ""


# The configuration


def _with_configuration(seen: Facts, path: str) -> Facts:
    wanted, trouble = _configuration(path)
    starts = [seen.now - one.age for one in seen.processes if one.role == facts.PARENT]
    mark = _changed(service_directory.loaded_mark(seen.directory))
    return seen._replace(
        configuration=wanted,
        trouble=trouble,
        changed=max((_changed(path) for path in wanted.files), default=0.0) if wanted else 0.0,
        loaded=max(*starts, mark) if starts else 0.0,
    )


def _configuration(path: str) -> tuple[Configuration | None, str]:
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


# Addresses


def _instances(seen: Facts, entries: list[Entry], links: dict[str, Link]) -> tuple[Instance, ...]:
    if seen.configuration is None:
        return ()
    since, own = journal.states(entries), journal.states(entries, "own")
    served = _served(seen)
    found = []
    for vrrp in seen.configuration.vrrp:
        holdings = tuple(_holding(address, name, links) for address, name in _places(vrrp))
        instance = Instance(vrrp.name, holdings, served=served)
        if served and vrrp.name in own and own[vrrp.name][1] > _vrrp_start(seen) - _CLOCK:
            instance = instance._replace(own=Own(*own[vrrp.name]))
        state, when = since.get(vrrp.name, ("", None))
        found.append(instance._replace(since=when if state == instance.state else None))
    return tuple(found)


def _served(seen: Facts) -> bool:
    """Whether a VRRP process is there, and not about to end."""
    roles = {one.role for one in seen.processes}
    up = seen.service["state"] == "up" and not seen.service["ending"]
    return up and bool(roles & {facts.VRRP, facts.CHILD})


def _vrrp_start(seen: Facts) -> float:
    """What was said before was said by another process, which said no farewell if it was killed."""
    ages = [one.age for one in seen.processes if one.role in (facts.VRRP, facts.CHILD)]
    return seen.now - min(ages, default=0.0)


def _places(vrrp: Vrrp) -> list[tuple[str, str]]:
    return [(address, interface or vrrp.interface) for address, interface in vrrp.addresses]


def _holding(address: str, interface: str, links: dict[str, Link]) -> Holding:
    link = links.get(interface)
    if link is None:
        return Holding(address, interface, False, None)
    return Holding(address, interface, address in link.addresses, link.up)


# The table


def _table(pid: int | None) -> tuple[ipvs.Service, ...] | None:
    for path in (f"/proc/{pid}/net/ip_vs", "/proc/net/ip_vs"):
        with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
            return tuple(ipvs.parse(file.read()))
    return None
