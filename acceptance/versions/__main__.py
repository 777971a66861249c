"""Put each keepalived of DIRECTORY, and the one of this machine, through acceptance.inside.version.

One box for each, a few at a time; prints one table, and ends with 1 where a step failed.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from acceptance.box import INIT, Box, BoxError
from acceptance.table import Row, table

AT_A_TIME = 3
SECONDS = 240  # for one box, with others beside it
INSTALLED = shutil.which("keepalived", path=os.defpath + ":/usr/sbin:/sbin")


def found(directory: Path) -> dict[str, dict[str, str]]:
    """By its version, what to tell the box; the one of this machine needs no telling."""
    each = {
        path.parent.name: {"KEEPALIVED": str(path)}
        for path in directory.resolve().glob("[0-9]*/keepalived")
    }
    if INSTALLED:
        done = subprocess.run([INSTALLED, "--version"], capture_output=True, text=True, check=False)
        version = re.search(r"Keepalived v([0-9.]+)", done.stdout + done.stderr)
        each[version[1] if version else "installed"] = {}
    return dict(sorted(each.items(), key=lambda one: [int(n) for n in re.findall(r"\d+", one[0])]))


def measured(results: dict[str, Any]) -> dict[str, float | str]:
    """One row: what all steps measured, or which failed."""
    row: dict[str, float | str] = {}
    for step, result in results.items():
        row.update(result["measured"] or {})
        if result["failure"]:
            row["failed steps"] = f"{row.get('failed steps', '')} {step}".strip()
    return row


def try_out(version: str, told: dict[str, str]) -> Row:
    with Box(INIT, PROGRAM="version", **told) as box:
        try:
            box.wait(SECONDS)
            results = json.loads((box.results / "version.json").read_text())
        except (BoxError, OSError, ValueError) as error:
            return version, {"failed steps": f"all: {error}".splitlines()[0]}
        row = measured(results)
        if "failed steps" in row:
            print(f"{version}: {box.said()}", file=sys.stderr)
        return version, row


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m acceptance.versions", description=__doc__)
    parser.add_argument("directory", type=Path, help="what acceptance/versions/fetch has filled")
    parser.add_argument("version", nargs="*", help="these only")
    given = parser.parse_args()
    versions = found(given.directory)
    if missing := [name for name in given.version if name not in versions]:
        parser.error(f"not there: {', '.join(missing)}; there are: {', '.join(versions) or 'none'}")
    versions = {name: versions[name] for name in given.version or versions}
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        rows = list(pool.map(try_out, versions, versions.values()))
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    print(f"{when}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n")
    print(table("keepalived", rows))
    return int(any("failed steps" in row for _, row in rows))


if __name__ == "__main__":
    sys.exit(main())
