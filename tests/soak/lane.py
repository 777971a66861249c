"""python -m tests.soak.lane COUNTS SEED LANE LANES SECONDS: histories and steps for so long.

Some of us go on side by side, each in an enclosure, with every LANES-th seed and step. COUNTS: a
file for what was done.
"""

import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.soak import history
from tests.soak.enclosure import become_init, open_world
from tests.soak.steps import Plan
from tests.soak.world import KINDS

Part = Callable[[list[str]], None]


class Lane:
    def __init__(self, seed: int, lane: int, lanes: int) -> None:
        self._seed, self._lanes = seed + lane, lanes
        self._plan = Plan(seed, (lane, lanes))
        self._spent = {"history": 0.0, "steps": 0.0}
        self.counts: Counter[str] = Counter()

    def run(self, seconds: float) -> bool:
        """A third of the time for histories, which go on alone when all steps are done. False:
        something failed, and was told."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            behind = self._spent["steps"] < 2 * self._spent["history"]
            if behind and not self._plan.all_made:
                well = self._perform("steps", self._step)
            else:
                well = self._perform("history", self._live)
            if not well:
                return False
        return True

    def told(self) -> str:
        """The counts, and of each way how many steps there are, and which were made."""
        return json.dumps({"counts": self.counts, "ways": self._plan.progress})

    def _live(self, told: list[str]) -> None:
        seed = self._seed
        self._seed += self._lanes
        told.append(f"seed {seed}")
        with open_world(KINDS) as world:
            history.play(world, seed, told)
        self.counts["histories"] += 1
        self.counts["events"] += history.LENGTH

    def _step(self, told: list[str]) -> None:
        self._plan.go_on(open_world, told)

    def _perform(self, kind: str, part: Part) -> bool:
        told: list[str] = []
        begun = time.monotonic()
        try:
            part(told)
        except Exception:
            print("\n".join([f"soak: {kind} failed; what happened:", *told]))
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
            return False
        took = time.monotonic() - begun
        self._spent[kind] += took
        print(f"soak: {kind}: {told[0]}: {len(told) - 1} in {took:.1f} s", flush=True)
        return True


def main() -> int:
    become_init()
    counts, seed, lane, lanes, seconds = sys.argv[1:]
    this = Lane(int(seed), int(lane), int(lanes))
    well = this.run(float(seconds))
    Path(counts).write_text(this.told())
    return not well


if __name__ == "__main__":
    sys.exit(main())
