"""make soak MINUTES=60 [SEED=n]

Two thirds of the time histories and faults at single system calls, in several lanes; then the long
life of one svscan. Each runs in an enclosure of its own, which ends with it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.soak import summary
from tests.soak.enclosure import enclosed

NEEDED = ("unshare", "strace", "gcc", "mount")

LANES = 2
"""For each processor: most of the time they wait."""


def main() -> int:
    arguments = _arguments()
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if os.geteuid() != 0 or missing:
        what = f"install {', '.join(missing)}" if missing else "run it as root"
        print(f"soak: skipped: namespaces, strace and a C compiler are needed: {what}")
        return 0
    if arguments.restarts:
        return enclosed("tests.soak.life", "restarts", arguments.restarts).wait()
    seed = arguments.seed if arguments.seed is not None else int(time.time()) % 1_000_000
    seconds = 60 * arguments.minutes
    print(f"soak: seed {seed}", flush=True)
    if (
        _lanes(seed, 2 / 3 * seconds)
        and enclosed("tests.soak.life", "seconds", seconds / 3).wait() == 0
    ):
        print("soak: all is well")
        return 0
    print(f"soak: failed; SEED={seed} begins with the same")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="of the first history")
    parser.add_argument("--restarts", type=int, default=0, help="only a long life, of so many")
    return parser.parse_args()


def _lanes(seed: int, seconds: float) -> bool:
    """Whether all went well. Where one fails, the others end too."""
    number = LANES * len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="soak-") as where:
        files = [Path(where) / str(lane) for lane in range(number)]
        lanes = [
            enclosed("tests.soak.lane", file, seed, lane, number, seconds)
            for lane, file in enumerate(files)
        ]
        try:
            well = _await(lanes)
        finally:
            for one in lanes:
                one.kill()
                one.wait()
        summary.tell([json.loads(file.read_text()) for file in files if file.exists()])
    return well


def _await(lanes: list["subprocess.Popen[bytes]"]) -> bool:
    while any(one.poll() is None for one in lanes):
        if any(one.poll() for one in lanes):
            return False
        time.sleep(0.1)
    return not any(one.returncode for one in lanes)


if __name__ == "__main__":
    sys.exit(main())
