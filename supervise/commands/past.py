"""The deaths of a director: what its record has, and what `director observe` noted beside."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from supervise.commands.report import describe, name
from supervise.director import journal, verdict
from supervise.director.show import clock, duration


def past(directory: str) -> Iterator[dict[str, Any]]:
    """The newest first. `text` is for people."""
    entries = journal.read(directory)
    noted = {one["death"]["time"]: one for one in entries if isinstance(one.get("death"), dict)}
    for death in describe(os.fsencode(directory))["deaths"] or []:
        noted.setdefault(
            death["time"] or "", {"time": seconds(death["time"] or ""), "death": death}
        )
    for one in sorted(noted.values(), key=lambda one: -float(one["time"])):
        entry = {
            "directory": directory,
            **one["death"],
            "vrrp": one.get("vrrp") or journal.state_at(entries, one["time"]) or None,
            "log": one.get("log", []),
        }
        yield entry | {"text": _words(directory, entry)}


def seconds(time: str) -> float:
    """Since 1970, of a time as `svstat --json` has it: nanoseconds are more than Python reads.

    Zero for what is no such time.
    """
    try:
        return datetime.fromisoformat(time[:26] + "+00:00").timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _words(directory: str, entry: dict[str, Any]) -> str:
    asked = ", as asked" if entry["asked"] else ""
    vrrp = f", VRRP then: {entry['vrrp']}" if entry["vrrp"] else ""
    who = os.fsdecode(name(os.fsencode(directory)))
    line = f"{clock(entry['time'])} {who}: {verdict.ending(entry)}{asked}"
    line += f", up {duration(entry['uptime'])}"
    return "\n".join([line + vrrp, *(f"    {one}" for one in entry["log"])])
