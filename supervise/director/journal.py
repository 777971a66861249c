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
            if isinstance(entry, dict) and isinstance(entry.get("time"), int | float):
                found.append(entry)
    return found


def states(directory: str) -> dict[str, tuple[str, float]]:
    """The last known state of each VRRP instance, and since when; in seconds since 1970."""
    found: dict[str, tuple[str, float]] = {}
    for entry in read(directory):
        if "instance" in entry:
            found[str(entry["instance"])] = (str(entry.get("state", "")), float(entry["time"]))
    return found


def state_at(entries: list[Entry], when: float) -> str:
    """The states of all instances at that time, in words; empty where nobody looked."""
    found: dict[str, str] = {}
    for entry in entries:
        if "instance" in entry and entry["time"] < when:
            found[str(entry["instance"])] = str(entry.get("state", ""))
    return ", ".join(f"{name} {state}" for name, state in found.items())
