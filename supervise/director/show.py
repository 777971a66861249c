"""What was seen of a director, for people and for programs. Pure: text comes out, with the words
that are to stand out marked by `paint`."""

import time
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from supervise.director import ipvs, verdict
from supervise.director.configuration import VirtualServer
from supervise.director.facts import Facts, Instance
from supervise.director.verdict import Verdict

Paint = Callable[[str, int], str]
"""Given a text and the level that it tells of."""


def headline(seen: Facts, found: Verdict, paint: Paint) -> str:
    """One line that says it all: the worst that was found, or what is well."""
    return f"{seen.name} {paint(found.word, found.level)}: {summary(seen, found)}"


def summary(seen: Facts, found: Verdict) -> str:
    """What was found, or what is well."""
    bad = [one.text for one in found.findings if one.level != verdict.FINE]
    return "; ".join(bad) if bad else _well(seen)


def _well(seen: Facts) -> str:
    states = [f"{one.name} {one.state}" for one in seen.instances]
    held = [one.address for each in seen.instances for one in each.holdings if one.held]
    words = [f"up {duration(seen.service['seconds'])}", *states]
    return ", ".join(words + ([f"holds {' '.join(held)}"] if held else []))


def details(seen: Facts, paint: Paint) -> Iterator[str]:
    if seen.forbidden:
        return
    yield "  " + _life(seen)
    for instance in seen.instances:
        yield "  " + _instance(instance, paint)
    yield from _servers(seen, paint)
    for one in seen.processes:
        used = f"{one.memory / 1e6:.1f} MB, {one.cpu:.1f} s of CPU"
        yield f"  {one.role}: pid {one.pid}, {used}, for {duration(one.age)}"
    if seen.configuration is not None and seen.loaded:
        read = duration(time.time() - seen.loaded)
        yield f"  configuration {', '.join(seen.configuration.files)}, read {read} ago"


def essence(seen: Facts, found: Verdict) -> Hashable:
    """What must differ for something to have changed: no duration, and nothing that is used up."""
    return (
        found.level,
        seen.service["state"],
        seen.service["starts"],
        tuple((one.name, one.state, one.own and one.own.state) for one in seen.instances),
        tuple(one for each in seen.instances for one in each.holdings),
        tuple((one.pid, one.role) for one in seen.processes),
        (seen.table, seen.loaded > seen.changed, seen.differences, seen.trouble, seen.forbidden),
    )


def _life(seen: Facts) -> str:
    service = seen.service
    since = duration(service["seconds"])
    now = f"up {since} (pid {service['pid']})" if service["pid"] else f"down {since}"
    starts = service["starts"] or 0
    words = [now, f"started {starts} time{'' if starts == 1 else 's'}"]
    deaths = service["deaths"] or []
    if deaths:
        asked = " as asked" if deaths[0]["asked"] else ""
        lived = duration(deaths[0]["uptime"])
        how = f"{verdict.ending(deaths[0])}{asked}, after {lived}"
        words.append(f"last death {clock(deaths[0]['time'])}: {how}")
    return ", ".join(words)


def _instance(instance: Instance, paint: Paint) -> str:
    level = {"MASTER": verdict.FINE, "BACKUP": verdict.FINE}.get(instance.state, verdict.CRITICAL)
    since = f" for {duration(time.time() - instance.since)}" if instance.since else ""
    places = [
        f"{one.address} {'on' if one.held else 'not on'} {one.interface}"
        for one in instance.holdings
    ]
    where = ", ".join(places) or "no address"
    if instance.own:
        said = duration(time.time() - instance.own.since)
        where += f"; keepalived itself says {instance.own.state} since {said}"
    return f"{instance.name} {paint(instance.state, level)}{since}: {where}"


def _servers(seen: Facts, paint: Paint) -> Iterator[str]:
    wanted = seen.configuration.virtual_servers if seen.configuration else ()
    if wanted and seen.vrrp_alone:
        yield "  virtual servers are configured and not run (env/VRRP_ALONE)"
        return
    for server in wanted:
        row = verdict.row_of(server, seen.table or ())
        scheduler = row.scheduler if row else paint("not in the table", verdict.CRITICAL)
        yield f"  {server.name} {scheduler}"
        for address, port in server.real_servers:
            yield f"    {address}:{port} {_weight(row, address, port, paint)}"


def _weight(row: ipvs.Service | None, address: str, port: int, paint: Paint) -> str:
    for one in row.real_servers if row else ():
        if (one.address, one.port) == (address, port):
            return f"weight {one.weight}" if one.weight else paint("weight 0, out", verdict.WARNING)
    return paint("out", verdict.WARNING)


def clock(time: str | None) -> str:
    """A time as `svstat --json` has it, for people: 2026-11-25 21:25:45 UTC."""
    return f"{time[:10]} {time[11:19]} UTC" if time else "at an unknown time"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "an unknown time"
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def as_object(seen: Facts, found: Verdict) -> dict[str, Any]:
    """For `--json`; the names are in docs/director.md."""
    return {
        "name": seen.name,
        "directory": seen.directory,
        "level": found.level,
        "verdict": found.word,
        "findings": [{"level": one.level, "text": one.text} for one in found.findings],
        "service": seen.service,
        "vrrp": [_vrrp_object(one) for one in seen.instances],
        "virtual_servers": [_server_object(seen, one) for one in _configured(seen)],
        "ipvs": None if seen.table is None else [_row_object(row) for row in seen.table],
        "processes": [one._asdict() for one in seen.processes],
        "configuration": list(seen.configuration.files) if seen.configuration else None,
        "configuration_changed": seen.changed or None,
        "configuration_read": seen.loaded or None,
        "differences": list(seen.differences),
        "child_deaths": [{"role": role, "time": when} for role, when in seen.child_deaths],
    }


def _configured(seen: Facts) -> tuple[VirtualServer, ...]:
    return seen.configuration.virtual_servers if seen.configuration else ()


def _vrrp_object(instance: Instance) -> dict[str, Any]:
    addresses = [one._asdict() for one in instance.holdings]
    return {
        "name": instance.name,
        "state": instance.state,
        "since": instance.since,
        "own": instance.own._asdict() if instance.own else None,
        "addresses": addresses,
    }


def _server_object(seen: Facts, server: VirtualServer) -> dict[str, Any]:
    row = verdict.row_of(server, seen.table or ())
    weights = {(one.address, one.port): one.weight for one in row.real_servers} if row else {}
    real = [
        {"address": address, "port": port, "weight": weights.get((address, port))}
        for address, port in server.real_servers
    ]
    return {"name": server.name, "in_table": row is not None, "real_servers": real}


def _row_object(row: ipvs.Service) -> dict[str, Any]:
    return row._asdict() | {"real_servers": [one._asdict() for one in row.real_servers]}
