"""svstat --json: all that is known of each service, a JSON object a line. See docs/json.md."""

import json
import os
import time
from typing import Any

from supervise.commands import plain
from supervise.commands.alive import boot_id, runs
from supervise.commands.moments import ago, iso
from supervise.commands.signals import name_of
from supervise.commands.svstat import trouble
from supervise.commands.view import View, look, read_record
from supervise.protocol import client, record

Object = dict[str, Any]

_CHUNK = 100
"""Services in one write."""

_KEYS = (
    "directory",
    "name",
    "supervised",
    "supervisor",
    "state",
    "reason",
    "warnings",
    "pid",
    "since",
    "seconds",
    "want",
    "normally",
    "ready",
    "ready_since",
    "ready_seconds",
    "readiness",
    "paused",
    "failed",
    "held",
    "exiting",
    "ending",
    "failures",
    "starts",
    "next_start",
    "deaths",
    "record_error",
)


def report(directories: list[bytes]) -> int:
    for at in range(0, len(directories), _CHUNK):
        chunk = directories[at : at + _CHUNK]
        plain.write(b"".join([_line(describe(directory)) for directory in chunk]))
    return 0


def _line(service: Object) -> bytes:
    """ASCII: a byte that is no UTF-8 becomes the escape of a lone surrogate, udc80 to udcff."""
    return json.dumps(service).encode("ascii") + b"\n"


def describe(directory: bytes) -> Object:
    """The object of one service; every key is always there."""
    service = _blank(directory)
    try:
        os.close(client.open_ok_fifo(directory))
        service["supervised"] = True
        view = look(directory)
        remark = view.remark or _unwritten(directory)
    except (OSError, ValueError) as error:
        _tell_remains(service, directory, error)
    else:
        _tell_view(service, view)
        service["record_error"] = remark
    return service


def _blank(directory: bytes) -> Object:
    service: Object = dict.fromkeys(_KEYS)
    service["directory"] = os.fsdecode(directory)
    service["name"] = os.fsdecode(name(directory))
    service["supervised"] = False
    service["warnings"], service["deaths"] = [], []
    service["normally"] = _normally(directory)
    return service


def name(directory: bytes) -> bytes:
    """The last part of the path; with the one before it where it is a `log`."""
    parts = [part for part in directory.split(b"/") if part not in (b"", b".")]
    if not parts or parts[-1] == b"..":
        try:
            parts = [part for part in os.path.realpath(directory).split(b"/") if part]
        except OSError:  # our working directory was removed
            return directory
    return b"/".join(parts[-2:] if parts[-1:] == [b"log"] else parts[-1:])


def _normally(directory: bytes) -> str | None:
    try:
        client.enter(directory)
        return "up" if client.normally_up(directory) else "down"
    except OSError:
        return None


def _tell_view(service: Object, view: View) -> None:
    service["state"] = view.state
    service["pid"] = view.pid or None
    service["since"], service["seconds"] = iso(view.since), ago(view.since)
    service["want"] = view.want
    service["paused"] = view.paused
    if view.record is None:
        relative = "daemontools" if view.length == 18 else "other"
        service["supervisor"] = None if view.unreadable else relative
        return
    service["supervisor"] = "supervise"
    service["reason"] = view.reason or None
    service["warnings"] = view.record.warnings.splitlines()
    _tell_readiness(service, view.record)
    _tell_plans(service, view.record)
    _tell_history(service, view.record)


def _unwritten(directory: bytes) -> str | None:
    """Why what is shown may be old.

    :raises OSError: where the directory has just been removed.
    """
    if os.statvfs(directory + b"/supervise").f_flag & os.ST_RDONLY:
        return "nothing can be recorded: supervise/ is on a read-only file system"
    return None


def _tell_readiness(service: Object, found: record.Record) -> None:
    if not found.pid:
        return
    service["readiness"] = found.readiness
    service["ready"] = {"ready": True, "not yet": False}.get(found.readiness)
    if found.readiness == "ready":
        service["ready_since"] = iso(found.ready_since)
        service["ready_seconds"] = ago(found.ready_since)


def _tell_plans(service: Object, found: record.Record) -> None:
    service["failed"], service["held"] = found.failed, found.held or found.alone
    service["exiting"] = found.exiting
    service["ending"] = found.pid != 0 and found.asked
    if found.state == "waiting" and found.start_at >= 0 and found.boot == boot_id():
        service["next_start"] = round(max(found.start_at - time.monotonic(), 0), 6)


def _tell_history(service: Object, found: record.Record) -> None:
    service["failures"] = found.failures
    service["starts"] = found.starts
    service["deaths"] = [_death(death) for death in found.deaths]


def _death(death: record.Death) -> Object:
    unknown = death.status == record.UNKNOWN
    number = -death.status if death.status < 0 and not unknown else None
    return {
        "time": iso(death.when),
        "uptime": round(death.uptime, 6),
        "cause": "unknown" if unknown else "signal" if number else "exit",
        "exit_code": death.status if death.status >= 0 else None,
        "signal": number,
        "signal_name": name_of(number) if number else None,
        "asked": death.asked,
    }


def _tell_remains(service: Object, directory: bytes, why: Exception) -> None:
    """What the last supervisor left, where it kept a record: history, and who still runs."""
    service["reason"] = os.fsdecode(refused(directory) or trouble(directory, why))
    try:
        found = read_record(directory)
    except ValueError as error:
        service["record_error"] = str(error)
        return
    except OSError:
        return
    if found is None:
        return
    _tell_history(service, found)
    if found.pid and found.boot == boot_id() and runs(found.pid, found.ticks):
        service["state"], service["pid"] = found.state, found.pid
        service["since"], service["seconds"] = iso(found.since), ago(found.since)


def refused(directory: bytes) -> bytes:
    """Why svscan does not supervise it, as it noted in the scan directory; empty if it did not.
    What is wrong with a logger is noted under the name of its service."""
    scan, _, last = directory.rstrip(b"/").rpartition(b"/")
    if last in (b"", b".", b".."):
        return b""
    scan = scan or (b"/" if directory.startswith(b"/") else b".")
    try:
        with open(scan + b"/.svscan/refused/" + last, "rb") as file:
            return file.read(1000).partition(b"\n")[0].strip()
    except OSError:
        return refused(scan) if last == b"log" and scan != b"." else b""
