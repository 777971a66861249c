"""svscan is killed just before each system call that it makes on one way, each in its turn.

First the way is gone once, to count its calls; then once for each of them, in an order that the
seed chooses.
"""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.soak import invariants, stepping, successor, ways
from tests.soak.stepping import NOWHERE, Step
from tests.soak.waiting import soon
from tests.soak.ways import Way
from tests.soak.world import Kinds, World

AT_A_TIME = 40
"""Steps in one world."""

WAYS = ways.WAYS | {"begin": successor.WAY}

OpenWorld = Callable[[Kinds], AbstractContextManager[World]]


class Walk:
    """One way, in worlds that are crowded or not. Crowded: svscan has 300 descriptors more, so its
    other threads start things."""

    def __init__(self, name: str, crowded: bool) -> None:
        self.name = f"{name}, crowded" if crowded else name
        self.way: Way = WAYS[name]
        self.crowded = crowded
        self.left: list[Step] | None = None
        """None: not counted yet."""
        self.number = self.made = self.missed = 0
        """Of all steps; those of them that we made, and those that did not come again: nothing is
        exactly as it was."""


class Plan:
    """All steps of all ways, in the order of the seed.

    :param share: which of the steps are ours, and how many share them.
    """

    def __init__(self, seed: int, share: tuple[int, int]) -> None:
        self._chance = random.Random(f"{seed} {share}")
        self._share = share
        self._all = [Walk(name, crowded) for name in WAYS for crowded in (False, True)]
        self._walks = list(self._all)
        self._chance.shuffle(self._walks)

    @property
    def all_made(self) -> bool:
        return not self._walks

    @property
    def progress(self) -> dict[str, tuple[int, int, int]]:
        """Of each way the steps that we made, those that did not come again, and the number of all
        steps; 0 where it was not gone yet."""
        return {walk.name: (walk.made, walk.missed, walk.number) for walk in self._all}

    def go_on(self, open_world: OpenWorld, told: list[str]) -> None:
        """Some steps of one way.

        :param told: what happened, for whoever reads of a failure.
        :raises AssertionError: where an invariant does not hold.
        """
        walk = self._walks.pop(0)
        with open_world(walk.way.kinds) as world:
            told.append(walk.name)
            self._walk(world, walk, told)
        if walk.left:
            self._walks.append(walk)

    def _walk(self, world: World, walk: Walk, told: list[str]) -> None:
        way = walk.way
        if walk.crowded:
            world.be_crowded()
        ways.restart(world, *world.all_names)
        found = _look(world, way, self._chance)
        if walk.left is None:
            walk.number, walk.left = len(found), self._ours(found)
        named = {step: f"{call} (call {step.number})" for step, call in found.items()}
        for _ in range(min(AT_A_TIME, len(walk.left))):
            step = walk.left.pop()
            told.append(f"killed in its {step.thread} thread before {named.get(step, step)}")
            killed = _die(world, way, step, self._chance)
            walk.made += killed
            walk.missed += not killed
            way.whole(world)
        way.rest(world)
        invariants.at_rest(world)

    def _ours(self, found: dict[Step, str]) -> list[Step]:
        which, sharers = self._share
        left = [step for step in found if step.number % sharers == which]
        self._chance.shuffle(left)
        return left


def _look(world: World, way: Way, chance: random.Random) -> dict[Step, str]:
    """The system calls of the way, by name. Of the second time: the first one is longer."""
    for _ in range(2):
        way.prepare(world, chance)
        with way.under(world, NOWHERE) as report:
            way.go(world)
            soon(lambda: way.done(world), lambda: f"done: {world.scan.said()}")
        found = stepping.calls(report)
        way.whole(world)
    counts: Counter[str] = Counter()
    named = {}
    for thread, call in found:
        counts[thread] += 1
        named[Step(thread, counts[thread])] = call
    return named


def _die(world: World, way: Way, step: Step, chance: random.Random) -> bool:
    """Whether it came to that."""
    way.prepare(world, chance)
    with way.under(world, step):
        way.go(world)
        soon(
            lambda: not world.alive or way.done(world),
            lambda: f"done or dead: {world.scan.said()}",
        )
        return world.killed
