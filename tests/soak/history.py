"""One random history, from its seed: what happens, and then that all is as it must be."""

import random
import time

from tests.soak import events, invariants
from tests.soak.world import KINDS, World

LENGTH = 60
"""Things that happen in one history."""

PAUSE = 0.08
"""Seconds between two of them, at the most."""


__all__ = ["KINDS", "play"]


def play(world: World, seed: int, told: list[str]) -> None:
    """:param told: what happened, for whoever reads of a failure.
    :raises AssertionError: where an invariant does not hold.
    """
    chance = random.Random(seed)
    drawn = chance.choices(list(events.EVENTS), list(events.EVENTS.values()), k=LENGTH)
    if seed % 2:
        world.be_crowded()
        world.raises = seed % 4 == 1
    world.start()
    told.append(f"svscan begins, with {len(world.crowd)} descriptors more")
    for happens in drawn:
        begun = time.monotonic()
        told.append(f"{begun:.3f} {happens(world, chance)}")
        invariants.at_any_time(world)
        time.sleep(chance.random() * PAUSE)
    settle(world, told)
    invariants.at_rest(world)


def settle(world: World, told: list[str]) -> None:
    """Everything is wanted, nothing is in the way."""
    told.append("all is well again")
    world.free_disk()
    (world.scan.services / "checked/refuse").unlink(missing_ok=True)
    world.kill()
    for path in world.scan.home.glob("rubbish-*"):
        events.clear(path)
    invariants.mend(world)
