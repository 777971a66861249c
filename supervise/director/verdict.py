"""From what was seen to what it means: how bad, and why. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from supervise.director import facts
from supervise.director.configuration import VirtualServer
from supervise.director.facts import Facts
from supervise.director.ipvs import Service

FINE, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
"""As monitoring plugins have them; also the exit codes."""
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

SETTLING = 10.0
"""Seconds after a start in which what is not there yet is only a warning: VRRP needs 4 of them."""
RESPAWNED = 60.0
"""Seconds after which keepalived itself takes a child that it started again for a sound one."""
LOOP = 3
"""So many deaths of a child within RECENT are a respawn loop, also while it lives."""
RECENT = 600.0
"""Seconds for which a death that nobody asked for is news."""
DISAGREE = 3.0
"""Seconds for which keepalived and the kernel may tell different things: one comes first."""


class Finding(NamedTuple):
    level: int
    text: str


class Verdict(NamedTuple):
    level: int
    findings: tuple[Finding, ...]

    @property
    def word(self) -> str:
        return WORDS[self.level]


def judge(seen: Facts) -> Verdict:
    """The worst of all findings comes first."""
    order = {CRITICAL: 0, UNKNOWN: 1, WARNING: 2, FINE: 3}
    findings = sorted(_all(seen), key=lambda one: order[one.level])
    return Verdict(findings[0].level if findings else FINE, tuple(findings))


def worst(levels: list[int]) -> int:
    """Of several directors; none at all is unknown."""
    for level in (CRITICAL, UNKNOWN, WARNING):
        if level in levels:
            return level
    return FINE if levels else UNKNOWN


def _all(seen: Facts) -> Iterator[Finding]:
    if seen.forbidden:
        yield Finding(UNKNOWN, seen.forbidden)
        return
    yield from _of_service(seen)
    if seen.trouble:
        yield Finding(WARNING, seen.trouble)
    if seen.service["pid"]:
        yield from _of_processes(seen)
        yield from _of_respawns(seen)
        yield from _of_ipvs(seen)
        yield from _of_configuration(seen)
    yield from _of_vrrp(seen)


def _of_service(seen: Facts) -> Iterator[Finding]:
    service = seen.service
    reason = f": {service['reason']}" if service["reason"] else ""
    if not service["supervised"] and service["pid"]:
        yield Finding(CRITICAL, "nobody supervises it: it will not be restarted")
    elif not service["supervised"]:
        yield Finding(CRITICAL, f"nobody supervises it, and it is down{reason}")
    elif not service["pid"] and service["want"] == "up":
        yield Finding(CRITICAL, f"down, though wanted up ({service['state']}){reason}")
    elif not service["pid"]:
        yield Finding(CRITICAL, "down, because somebody took it down")
    elif service["paused"]:
        yield Finding(CRITICAL, "paused: its processes are stopped")
    for death in (service["deaths"] or [])[:1]:
        up_for = service["seconds"] or 0
        if service["pid"] and not death["asked"] and up_for < RECENT:
            yield Finding(WARNING, f"restarted {_ago(up_for)} ago, after {ending(death)}")


def ending(death: dict[str, object]) -> str:
    """How it ended, in words."""
    if death["cause"] == "signal":
        return f"it was killed by {death['signal_name']}"
    if death["cause"] == "exit":
        return f"it exited {death['exit_code']}"
    return "it ended unseen"


def _of_processes(seen: Facts) -> Iterator[Finding]:
    wanted = seen.configuration
    if wanted is None:
        return
    up_for = seen.service["seconds"] or 0.0
    late = CRITICAL if up_for > SETTLING else WARNING
    children = [one for one in seen.processes if one.role != facts.PARENT]
    if not children:
        yield Finding(late, "up but doing nothing: keepalived has no child processes")
        return
    roles = {one.role for one in children}
    unnamed = facts.CHILD in roles
    if wanted.vrrp and facts.VRRP not in roles and not unnamed:
        yield Finding(late, "no VRRP process, though VRRP is configured")
    servers = wanted.virtual_servers and not seen.vrrp_alone
    if servers and facts.CHECKERS not in roles and not unnamed:
        yield Finding(late, "no health checker process, though virtual servers are configured")


def _of_respawns(seen: Facts) -> Iterator[Finding]:
    """What `director observe` counted; else what the ages of the processes tell."""
    last = {role: time for role, time in seen.child_deaths if seen.now - time < RECENT}
    for role, time in last.items():
        each = [when for one, when in seen.child_deaths if one == role and seen.now - when < RECENT]
        ago = _ago(seen.now - time)
        if len(each) >= LOOP:
            text = f"{len(each)} times in {_ago(seen.now - each[0])}, last {ago} ago"
            yield Finding(CRITICAL, f"respawn loop: its {role} process died {text}")
        else:
            yield Finding(WARNING, f"keepalived had to start its {role} process again, {ago} ago")
    for one in seen.processes:
        started = seen.now - one.age
        again = one.role != facts.PARENT and started - seen.loaded > SETTLING
        if again and one.age < RESPAWNED and one.role not in last:
            text = f"keepalived had to start its {one.role} process again, {_ago(one.age)} ago"
            yield Finding(CRITICAL, f"{text}; whether it does so in a loop, nobody observes")


def _of_vrrp(seen: Facts) -> Iterator[Finding]:
    roles = {one.role for one in seen.processes}
    alive = facts.VRRP in roles or facts.CHILD in roles
    for instance in seen.instances:
        held = [one for one in instance.holdings if one.held]
        missing = [one for one in instance.holdings if not one.held]
        if held and not alive:
            names = ", ".join(one.address for one in held)
            yield Finding(CRITICAL, f"{names} is held, and no VRRP process is there to give it up")
        elif held and missing:
            names = ", ".join(one.address for one in missing)
            yield Finding(CRITICAL, f"{instance.name} is MASTER, but {names} is missing")
        elif instance.state == "FAULT":
            yield Finding(CRITICAL, f"{instance.name} is in FAULT: {_faulty(missing)}")
        yield from _of_disagreement(seen, instance)


def _of_disagreement(seen: Facts, instance: facts.Instance) -> Iterator[Finding]:
    """`state` is what keepalived itself says where it knows better."""
    own = instance.own
    if own and own.state != instance.state and seen.now - own.since > DISAGREE:
        text = f"{instance.name} is {instance.state} as the kernel shows it, but {own.state} as"
        yield Finding(WARNING, f"{text} keepalived says itself")


def _faulty(holdings: list[facts.Holding]) -> str:
    for one in holdings:
        if one.up is None:
            return f"{one.interface} does not exist"
        if not one.up:
            return f"{one.interface} is down"
    return "keepalived says so itself"


def _of_ipvs(seen: Facts) -> Iterator[Finding]:
    wanted = seen.configuration
    if wanted is None or not wanted.virtual_servers or seen.vrrp_alone:
        return
    late = CRITICAL if (seen.service["seconds"] or 0.0) > SETTLING else WARNING
    if seen.table is None:
        yield Finding(CRITICAL, "the kernel has no IPVS: nothing is forwarded")
        return
    if not seen.table:
        yield Finding(late, "the IPVS table is empty: nothing is forwarded")
        return
    for server in wanted.virtual_servers:
        row = row_of(server, seen.table)
        yield from _of_server(server, row, late)


def _of_server(server: VirtualServer, row: Service | None, late: int) -> Iterator[Finding]:
    if row is None:
        yield Finding(late, f"{server.name} is not in the IPVS table")
        return
    serving = {(one.address, one.port) for one in row.real_servers if one.weight > 0}
    down = [real for real in server.real_servers if real not in serving]
    if server.real_servers and not serving:
        yield Finding(CRITICAL, f"{server.name}: no real server is left")
    elif down:
        names = ", ".join(f"{address}:{port}" for address, port in down)
        yield Finding(WARNING, f"{server.name}: {names} is out")


def row_of(server: VirtualServer, table: tuple[Service, ...]) -> Service | None:
    """Its row in the table."""
    for row in table:
        if server.mark and row.mark == server.mark:
            return row
        wanted = (server.protocol, server.address, server.port)
        if not server.mark and (row.protocol, row.address, row.port) == wanted:
            return row
    return None


def _of_configuration(seen: Facts) -> Iterator[Finding]:
    if seen.loaded and seen.changed > seen.loaded + 1:
        text = "the configuration on disk is younger than the last start or `director reload`"
        yield Finding(WARNING, text)
    for one in seen.differences:
        yield Finding(WARNING, f"{one}: it needs `director restart`")


def _ago(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
