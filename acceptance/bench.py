"""The same faults under supervise, its peers and the floor, in turn; writes bench/director.*.

The floor is what no supervisor can beat: inside/floor.c starts keepalived again the moment the last
of its old processes has ended. Beside the article's priority, 255 is tried, with which VRRP becomes
master at once.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from acceptance.box import INIT, ROOT, Box
from acceptance.inside.restarts import FLOOR, SUPERVISORS
from acceptance.table import ABOUT, Row, table

RESULTS = ROOT / "bench" / "director"
SECONDS_FOR_A_ROUND = 120
KILL = "kill_parent"
TITLES = {KILL: "SIGKILL of keepalived's parent", "restart": "restart on request"}
WHOLE_PRIORITY = "priority 255"
WITH_WHOLE_PRIORITY = ("supervise", FLOOR)
Replays = dict[str, dict[str, Any]]


def replay(supervisor: str, **environment: str) -> dict[str, Any]:
    """What one round of the steps of `restarts` came to, under this supervisor."""
    print(f"{supervisor} {' '.join(environment.values())} ...", file=sys.stderr, flush=True)
    settings = {"SUPERVISOR": supervisor, "ROUNDS": "1", **environment}
    with Box(INIT, PROGRAM="restarts", **settings) as box:
        box.wait(60 + SECONDS_FOR_A_ROUND)
        file = box.results / "restarts.json"
        if not file.exists():
            raise SystemExit(f"acceptance.bench: {supervisor}: no results:\n{box.said()}")
        results: dict[str, Any] = json.loads(file.read_text())
        return results


def add(results: dict[str, Any], one: dict[str, Any]) -> None:
    """Another round's. A step that failed once has failed."""
    for step, result in one.items():
        known = results.setdefault(step, {"failure": None, "measured": []})
        known["failure"] = known["failure"] or result["failure"]
        known["measured"] += result["measured"] or []


def replay_in_turn(rounds: int, chosen: list[str]) -> tuple[Replays, Replays]:
    """All of them round by round, so that a machine that gets busier is so for all; and those with
    priority 255."""
    replays: Replays = {name: {} for name in chosen}
    whole: Replays = {name: {} for name in chosen if name in WITH_WHOLE_PRIORITY}
    for _ in range(rounds):
        for name, results in replays.items():
            add(results, replay(name))
        for name, results in whole.items():
            add(results, replay(name, PRIORITY="255", STEP=KILL))
    return replays, whole


def median(samples: list[dict[str, float]]) -> dict[str, float | str]:
    """Of each column; and the gap from the least to the greatest."""
    columns = dict.fromkeys(column for sample in samples for column in sample)
    middle: dict[str, float | str] = {
        column: statistics.median(sample[column] for sample in samples if column in sample)
        for column in columns
    }
    gaps = [sample["longest gap"] for sample in samples]
    return {**middle, "gap from .. to": f"{min(gaps):.2f} .. {max(gaps):.2f}"}


def above_floor(
    samples: list[dict[str, float]], floor: dict[str, Any] | None
) -> dict[str, float | str]:
    """By how much the gap is longer than the floor's of the same round; nothing without a floor."""
    if not floor or floor["failure"]:
        return {}
    pairs = zip(samples, floor["measured"], strict=True)
    above = [mine["longest gap"] - least["longest gap"] for mine, least in pairs]
    middle = round(statistics.median(above), 2)
    return {"above the floor": middle, "from .. to": f"{min(above):.2f} .. {max(above):.2f}"}


def rows(replays: Replays, step: str) -> list[Row]:
    found: list[Row] = []
    floor = replays.get(FLOOR, {}).get(step)
    for supervisor, results in replays.items():
        result = results.get(step) or {"failure": "the box ended before"}
        if failure := result["failure"]:
            found.append((supervisor, {"failed": failure}))
            continue
        measured = result["measured"]
        found.append((supervisor, {**median(measured), **above_floor(measured, floor)}))
    return found


def report(replays: Replays, whole: Replays, rounds: int, load: float) -> str:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    about = (
        f"{when}; medians of {rounds} rounds; load {load:.1f} on {os.cpu_count()} cores. {ABOUT}"
    )
    tables = [table(title, rows(replays, step)) for step, title in TITLES.items()]
    if whole:
        tables.append(table(f"{TITLES[KILL]}, {WHOLE_PRIORITY}", rows(whole, KILL)))
    return "\n\n".join([about, *tables])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m acceptance.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=list(SUPERVISORS))
    parser.add_argument("--output", type=Path, help="PREFIX of the .json and .md to write")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the box is ended
    load = os.getloadavg()[0]
    chosen = given.only or list(SUPERVISORS)
    replays, whole = replay_in_turn(given.rounds, chosen)
    text = report(replays, whole, given.rounds, load)
    if prefix := given.output or (None if given.only else RESULTS):
        results = {**replays, WHOLE_PRIORITY: whole}
        prefix.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
        prefix.with_suffix(".md").write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
