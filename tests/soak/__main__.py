"""make soak MINUTES=60 [SEED=n]

Histories and faults at single system calls, in turn, each from its own seed, for two thirds of the
time; then the long life of one svscan. Runs in namespaces of its own (mount, pid), and with them
all that it started ends.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from tests.soak import history, life, steps
from tests.soak.world import World

NEEDED = ("unshare", "strace", "gcc", "mount")
_INSIDE = "SOAK_INSIDE"


def main() -> int:
    arguments = _arguments()
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if os.geteuid() != 0 or missing:
        what = f"install {', '.join(missing)}" if missing else "run it as root"
        print(f"soak: skipped: namespaces, strace and a C compiler are needed: {what}")
        return 0
    if _INSIDE not in os.environ:
        return _enter()
    _become_init()
    return _soak(arguments.minutes, arguments.seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="of the first history")
    return parser.parse_args()


def _enter() -> int:
    """In namespaces of our own: nothing of it is left, whatever happens."""
    command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    again = [sys.executable, "-m", "tests.soak", *sys.argv[1:]]
    return subprocess.run([*command, *again], env=os.environ | {_INSIDE: "1"}).returncode


def _become_init() -> None:
    """The first process of a pid namespace reaps what is orphaned to it, and we are its child."""
    child = os.fork()
    if child == 0:
        return
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 255)


@contextmanager
def _world(kinds: dict[str, dict[str, str]]) -> Iterator[World]:
    base = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        for path, size in ((base, "256m"), (base / "disk", "256k")):
            path.mkdir(exist_ok=True)
            options = f"size={size},mode=755"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", path], check=True)
        world = World(base, kinds)
        yield world
        world.close()
    finally:
        subprocess.run(["umount", "-l", base / "disk", base], check=False)
        base.rmdir()


def _soak(minutes: float, seed: int | None) -> int:
    life_takes = 60 * minutes / 3
    until = time.monotonic() + 60 * minutes - life_takes
    number = seed if seed is not None else int(time.time()) % 1_000_000
    counts = {"histories": 0, "events": 0, "steps": 0}
    while time.monotonic() < until or not counts["histories"]:
        for part in (history, steps):
            if not _played(number, part, counts):
                return 1
        number += 1
    print("soak: " + ", ".join(f"{count} {what}" for what, count in counts.items()), flush=True)
    with _world(life.KINDS) as world:
        print(f"soak: a long life: {life.play(world, life_takes)}")
    print("soak: all is well")
    return 0


def _played(seed: int, part: ModuleType, counts: dict[str, int]) -> bool:
    """One of the two modules that have KINDS and play; false where it failed."""
    told: list[str] = []
    kind = part.__name__.rpartition(".")[2]
    begun = time.monotonic()
    try:
        with _world(part.KINDS) as world:
            _play(world, part, seed, told)
    except Exception:
        print("\n".join([f"soak: {kind} of seed {seed} failed; what happened:", *told]))
        traceback.print_exc()
        return False
    counts["histories"] += part is history
    counts["events" if part is history else "steps"] += len(told) - 1
    took = time.monotonic() - begun
    print(f"soak: {kind} {seed}: {told[0]}; {len(told) - 1} in {took:.1f} s", flush=True)
    return True


def _play(world: World, part: ModuleType, seed: int, told: list[str]) -> None:
    try:
        part.play(world, seed, told)
    except Exception:
        notes = world.scan.services / "notes"
        told += ["svscan said:", world.scan.said(), notes.read_text() if notes.exists() else ""]
        raise


if __name__ == "__main__":
    sys.exit(main())
