"""The same faults under supervise and its peers, one after the other; writes bench/director.*."""

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
from acceptance.inside.restarts import SUPERVISORS
from acceptance.table import ABOUT, Row, table

RESULTS = ROOT / "bench" / "director"
SECONDS_FOR_A_ROUND = 120
TITLES = {"kill_parent": "SIGKILL of keepalived's parent", "restart": "restart on request"}


def replay(supervisor: str, rounds: int) -> dict[str, Any]:
    """What the steps of `restarts` came to, under this supervisor."""
    with Box(INIT, PROGRAM="restarts", SUPERVISOR=supervisor, ROUNDS=str(rounds)) as box:
        box.wait(60 + rounds * SECONDS_FOR_A_ROUND)
        file = box.results / "restarts.json"
        if not file.exists():
            raise SystemExit(f"acceptance.bench: {supervisor}: no results:\n{box.said()}")
        results: dict[str, Any] = json.loads(file.read_text())
        return results


def median(samples: list[dict[str, float]]) -> dict[str, float | str]:
    """Of each column; and the gap from the least to the greatest."""
    columns = dict.fromkeys(column for sample in samples for column in sample)
    middle: dict[str, float | str] = {
        column: statistics.median(sample[column] for sample in samples if column in sample)
        for column in columns
    }
    gaps = [sample["longest gap"] for sample in samples]
    return {**middle, "gap from .. to": f"{min(gaps):.2f} .. {max(gaps):.2f}"}


def rows(all_results: dict[str, Any], step: str) -> list[Row]:
    found: list[Row] = []
    for supervisor, results in all_results.items():
        result = results.get(step) or {"failure": "the box ended before"}
        failure = result["failure"]
        found.append((supervisor, {"failed": failure} if failure else median(result["measured"])))
    return found


def report(all_results: dict[str, Any], rounds: int, load: float) -> str:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    about = (
        f"{when}; medians of {rounds} rounds; load {load:.1f} on {os.cpu_count()} cores. {ABOUT}"
    )
    return "\n\n".join(
        [about, *(table(title, rows(all_results, step)) for step, title in TITLES.items())]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m acceptance.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=list(SUPERVISORS))
    parser.add_argument("--output", type=Path, help="PREFIX of the .json and .md to write")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the box is ended
    load = os.getloadavg()[0]
    all_results = {}
    for supervisor in given.only or SUPERVISORS:
        print(f"{supervisor} ...", file=sys.stderr, flush=True)
        all_results[supervisor] = replay(supervisor, given.rounds)
    text = report(all_results, given.rounds, load)
    if prefix := given.output or (None if given.only else RESULTS):
        prefix.with_suffix(".json").write_text(json.dumps(all_results, indent=1) + "\n")
        prefix.with_suffix(".md").write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
