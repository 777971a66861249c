"""What a supervisor hands to the program that it becomes by exec, at an upgrade in place.

Lines of text, so that an older or a newer version can read it: a kind, then NAME=VALUE. What is not
known is passed over, what is missing has its default, and every name that ends in `_fd` is a
descriptor, for all versions to come. The layout is documented in docs/protocol.md.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from supervise.protocol.record import (
    DEATH_SIZE,
    ENDINGS,
    MOST_DEATHS,
    READINESS,
    STATES,
    WANTS,
    Record,
    unpack_death,
)

VERSION = 1

TRIAL = "--trial="
"""First option of a daemon that is only tried, with a descriptor of the hand-over."""

FIT = b"fit to take over"
"""The last line of one that could take it."""

_FIRST = "supervise-handover"
_WORDS = {"state": STATES, "want": WANTS, "readiness": READINESS, "ended": ENDINGS}


class HandedEntry(NamedTuple):
    """An entry of the scan directory. `pipe_fd` is its log FIFO; -1: it has none. `service` and
    `log` say which of the two is supervised; device and inode of its `log/` are needed then."""

    device: int = 0
    inode: int = 0
    path: bytes = b""
    name: bytes = b""
    pipe_fd: int = -1
    service: bool = False
    log: bool = False
    log_device: int = 0
    log_inode: int = 0


class HandedService(NamedTuple):
    """One service, and what is open of it; -1: nothing.

    `ready_fd` is the FIFO behind `notification-fd`, while its newline is waited for. `pid_fd` is
    the pidfd of an instance or helper that is not our child. `check_fd` is the reading end of what
    the running `start-check` prints, of which `said` is known.
    """

    record: Record = Record()
    lock_fd: int = -1
    ok_fd: int = -1
    control_fd: int = -1
    ready_fd: int = -1
    pid_fd: int = -1
    check_fd: int = -1
    said: bytes = b""


class Handover(NamedTuple):
    """All of it. `home` is the scan directory and `lock_fd` its lock. `limit` is the soft limit of
    open descriptors that the supervisor was started with; 0: not known."""

    home: bytes = b""
    lock_fd: int = -1
    limit: int = 0
    entries: tuple[HandedEntry, ...] = ()
    services: tuple[HandedService, ...] = ()


def pack(handover: Handover) -> bytes:
    lines = [_line(_FIRST, {"version": VERSION}), _line("scan", _fields(handover))]
    lines += [_line("entry", _fields(entry)) for entry in handover.entries]
    lines += [_line("service", _service_fields(service)) for service in handover.services]
    return "".join(lines).encode()


def unpack(data: bytes) -> Handover:
    """:raises ValueError: where this is no hand-over, or one of a version that is not known."""
    (kind, first), *rest = _lines(data)
    if kind != _FIRST:
        raise ValueError("not a hand-over")
    if first.get("version") != str(VERSION):
        raise ValueError(f"a hand-over of version {first.get('version')}, not {VERSION}")
    scan = Handover()
    entries, services = [], []
    for kind, fields in rest:
        if kind == "scan":
            scan = Handover(**_values(Handover(), fields))
        elif kind == "entry":
            entries.append(HandedEntry(**_values(HandedEntry(), fields)))
        elif kind == "service":
            record = _record(fields)
            services.append(HandedService(record, **_values(HandedService(), fields)))
    return scan._replace(entries=tuple(entries), services=tuple(services))


def descriptors(data: bytes) -> list[tuple[str, int]]:
    """Name and number of every descriptor that is handed over, whatever else is to be read."""
    return [
        (name, int(value))
        for _, fields in _lines(data)
        for name, value in fields.items()
        if name.endswith("_fd") and value.isdecimal()
    ]


# Lines


def _line(kind: str, fields: dict[str, object]) -> str:
    words = [f"{name}={_WRITE[type(value)](value)}" for name, value in fields.items()]
    return " ".join([kind, *words]) + "\n"


def _lines(data: bytes) -> list[tuple[str, dict[str, str]]]:
    found = []
    for line in data.decode("ascii", "replace").splitlines():
        kind, *words = line.split(" ")
        found.append((kind, {word.partition("=")[0]: word.partition("=")[2] for word in words}))
    return found or [("", {})]


_WRITE: dict[type, Callable[[Any], str]] = {
    bool: lambda value: str(int(value)),
    int: str,
    float: repr,
    bytes: bytes.hex,
    str: lambda value: value.encode("utf-8", "surrogateescape").hex(),
}
_READ: dict[type, Callable[[str], Any]] = {
    bool: lambda text: text == "1",
    int: int,
    float: float,
    bytes: bytes.fromhex,
    str: lambda text: bytes.fromhex(text).decode("utf-8", "surrogateescape"),
}


# Fields


def _fields(thing: HandedEntry | HandedService | Handover) -> dict[str, object]:
    return {name: value for name, value in thing._asdict().items() if type(value) in _WRITE}


def _service_fields(service: HandedService) -> dict[str, object]:
    fields = _fields(service)
    for name in Record.__slots__:
        value = getattr(service.record, name)
        if name != "deaths":
            fields[name] = value
    fields["deaths"] = b"".join([death.packed for death in service.record.deaths])
    return fields


def _values(
    thing: HandedEntry | HandedService | Handover, fields: dict[str, str]
) -> dict[str, Any]:
    """Of the fields that the thing has, beside those that are things of their own."""
    return {
        name: _READ[type(default)](fields[name])
        for name, default in thing._asdict().items()
        if type(default) in _READ and name in fields
    }


def _record(fields: dict[str, str]) -> Record:
    found = Record()
    for name in Record.__slots__:
        if name in fields and name != "deaths":
            value = _READ[type(getattr(found, name))](fields[name])
            if value not in _WORDS.get(name, (value,)):
                raise ValueError(f"{name} is {value!r}, which this version does not know")
            setattr(found, name, value)
    packed = bytes.fromhex(fields.get("deaths", ""))
    number = min(len(packed) // DEATH_SIZE, MOST_DEATHS)
    found.deaths = tuple(unpack_death(packed, n * DEATH_SIZE) for n in range(number))
    return found
