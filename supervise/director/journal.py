"""What `director observe` has seen: the state of each VRRP instance and since when, what keepalived
itself said of it, the deaths, and those of single child processes.

Lines of JSON in the service directory, `supervise/director`: on a tmpfs where `supervise/` is one.
Bounded: when it has grown to twice what is kept, the older half is dropped.
"""

import contextlib
import json
import os
from typing import Any

KEPT = 200
"""Entries that are kept at least."""
KEPT_CHILDREN = 50
"""Those of child processes: a child that dies all the time must not drive out all else."""

GIVING_UP = 3.0
"""Seconds. keepalived that was told to end gives up its addresses and lives for another second."""

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
            file.writelines(json.dumps(one) + "\n" for one in _kept(entries))
        os.rename(path + ".new", path)


def _kept(entries: list[Entry]) -> list[Entry]:
    """With the last one of each instance, however old."""
    last = {("own" in one, one["instance"]): one for one in entries if "instance" in one}
    children = [one for one in entries if "child" in one][-KEPT_CHILDREN:]
    others = [one for one in entries if "child" not in one][-KEPT:]
    kept = set(map(id, [*last.values(), *children, *others]))
    return [one for one in entries if id(one) in kept]


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
    if "child" in entry:
        return isinstance(entry["child"], str) and isinstance(entry.get("parent"), int)
    if death is None:
        state = entry.get("own", entry.get("state"))
        return isinstance(entry.get("instance"), str) and isinstance(state, str)
    whole = isinstance(death, dict) and death.keys() >= _DEATH
    return whole and isinstance(death["time"], str) and isinstance(death["uptime"], int | float)


def states(entries: list[Entry], kind: str = "state") -> dict[str, tuple[str, float]]:
    """The last known state of each VRRP instance, and since when; in seconds since 1970. With the
    kind `own`, the last that keepalived itself said."""
    return {one["instance"]: (one[kind], float(one["time"])) for one in entries if kind in one}


def child_deaths(entries: list[Entry], parent: int, since: float) -> list[tuple[str, float]]:
    """The roles of the children that this parent lost since then, and when."""
    ours = [one for one in entries if "child" in one and one["parent"] == parent]
    return [(one["child"], float(one["time"])) for one in ours if one["time"] >= since]


def state_at(entries: list[Entry], when: float) -> str:
    """The states of all instances at that time, in words; empty where nobody looked.

    DOWN is passed over, and a BACKUP that follows a MASTER at the very end: a keepalived that ends
    gives up its addresses before it is dead, and what it was until then is what is asked for.
    """
    found: dict[str, str] = {}
    for entry in entries:
        if "state" not in entry or entry["time"] >= when or entry["state"] == "DOWN":
            continue
        name, state = entry["instance"], entry["state"]
        gives_up = state == "BACKUP" and when - entry["time"] < GIVING_UP
        if not (gives_up and found.get(name) == "MASTER"):
            found[name] = state
    return ", ".join(f"{name} {state}" for name, state in found.items())
