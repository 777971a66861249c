"""What `director observe` has seen: the state of each VRRP instance and since when, and the deaths.

Lines of JSON in the service directory, `supervise/director`: on a tmpfs where `supervise/` is one.
Bounded: when it has grown to twice what is kept, the older half is dropped.
"""

import contextlib
import json
import os
from typing import Any

KEPT = 200
"""Entries that are kept at least."""

_ETERNITY = 1e11
"""Seconds since 1970. What lies beyond was not written by us."""

_DEATH = {"time", "uptime", "cause", "exit_code", "signal_name", "asked"}

Entry = dict[str, Any]


def path_of(directory: str) -> str:
    return os.path.join(directory, "supervise", "director")


def add(directory: str, entry: Entry) -> None:
    """:raises OSError: where it cannot be written."""
    path = path_of(directory)
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    entries = read(directory)
    if len(entries) > 2 * KEPT:
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in entries[-KEPT:])
        os.rename(path + ".new", path)


def read(directory: str) -> list[Entry]:
    """The oldest first. What is no entry is passed over."""
    try:
        with open(path_of(directory), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and _is_entry(entry):
                found.append(entry)
    return found


def _is_entry(entry: Entry) -> bool:
    """A time that can be, and either a state or a whole death."""
    when, death = entry.get("time"), entry.get("death")
    if not isinstance(when, int | float) or not 0 <= when < _ETERNITY:
        return False
    if death is None:
        return isinstance(entry.get("instance"), str) and isinstance(entry.get("state"), str)
    whole = isinstance(death, dict) and death.keys() >= _DEATH
    return whole and isinstance(death["time"], str) and isinstance(death["uptime"], int | float)


def states(directory: str) -> dict[str, tuple[str, float]]:
    """The last known state of each VRRP instance, and since when; in seconds since 1970."""
    found: dict[str, tuple[str, float]] = {}
    for entry in read(directory):
        if "instance" in entry:
            found[str(entry["instance"])] = (str(entry.get("state", "")), float(entry["time"]))
    return found


def state_at(entries: list[Entry], when: float) -> str:
    """The states of all instances at that time, in words; empty where nobody looked.

    DOWN is passed over: a keepalived that ends gives up its addresses before it is dead, and what
    it was until then is what is asked for.
    """
    found: dict[str, str] = {}
    for entry in entries:
        if "instance" in entry and entry["time"] < when and entry["state"] != "DOWN":
            found[str(entry["instance"])] = str(entry.get("state", ""))
    return ", ".join(f"{name} {state}" for name, state in found.items())
