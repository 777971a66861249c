"""svscan is killed just before each system call that it makes on one way, each in its turn.

First the way is gone once, to count its calls; then once for each of them, in an order that the
seed chooses: those that may be seen from outside first, of all ways, and then the inner ones.
"""

import random
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from itertools import groupby
from typing import NamedTuple

from tests.soak import invariants, stepping, successor, ways
from tests.soak.stepping import INNER, NOWHERE, VISIBLE, Step
from tests.soak.waiting import soon
from tests.soak.ways import Way
from tests.soak.world import Kinds, World

AT_A_TIME = 40
"""Steps in one world."""
TRIES = 5
"""Of a step that does not come: nothing is exactly as it was."""
SPARSE = 2
"""Of the inner calls that a thread makes between two visible ones, so many are ours."""

WAYS = ways.WAYS | {"begin": successor.WAY}

KINDS = (VISIBLE, INNER)

OpenWorld = Callable[[Kinds], AbstractContextManager[World]]


class Progress(NamedTuple):
    """:ivar counted: the steps there are, of each thread and kind.
    :ivar chosen: those of each kind that are ours.
    """

    counted: Counter[str]
    chosen: Counter[str]
    made: list[Step]


class Walk:
    """One way, in worlds that are crowded or not. Crowded: svscan has 300 descriptors more, so its
    other threads start things."""

    def __init__(self, name: str, crowded: bool) -> None:
        self.name = f"{name}, crowded" if crowded else name
        self.way: Way = WAYS[name]
        self.crowded = crowded
        self.left: dict[str, list[Step]] = {}
        """Of each kind. Empty: not counted yet."""
        self.counted: Counter[str] = Counter()
        self.chosen: Counter[str] = Counter()
        self.made: list[Step] = []
        self.lost: Counter[Step] = Counter()
        """How often each did not come."""

    def count(self, found: Collection[Step], ours: list[Step]) -> None:
        """:param ours: of all steps those that we make, the last one first."""
        self.counted.update(f"{step.thread} {step.kind}" for step in found)
        self.chosen.update(step.kind for step in ours)
        for kind in KINDS:
            self.left[kind] = [step for step in ours if step.kind == kind]

    def tried(self, step: Step, killed: bool) -> None:
        if killed:
            self.made.append(step)
            return
        self.lost[step] += 1
        if self.lost[step] < TRIES:
            self.left[step.kind].insert(0, step)


class Plan:
    """All steps of all ways, in the order of the seed.

    :param share: which of the steps are ours, and how many share them.
    """

    def __init__(self, seed: int, share: tuple[int, int]) -> None:
        self._chance = random.Random(f"{seed} {share}")
        self._share = share
        self._all = [Walk(name, crowded) for name in WAYS for crowded in (False, True)]
        self._chance.shuffle(self._all)
        self._turns = {kind: deque(self._all) for kind in KINDS}

    @property
    def all_made(self) -> bool:
        return not any(self._turns.values())

    @property
    def progress(self) -> dict[str, Progress]:
        return {walk.name: Progress(walk.counted, walk.chosen, walk.made) for walk in self._all}

    def go_on(self, open_world: OpenWorld, told: list[str]) -> None:
        """Some steps of one way.

        :param told: what happened, for whoever reads of a failure.
        :raises AssertionError: where an invariant does not hold.
        """
        kind = next(kind for kind in KINDS if self._turns[kind])
        walk = self._turns[kind].popleft()
        with open_world(walk.way.kinds) as world:
            told.append(f"{walk.name}, {kind} calls")
            self._walk(world, walk, kind, told)
        if walk.left[kind]:
            self._turns[kind].append(walk)

    def _walk(self, world: World, walk: Walk, kind: str, told: list[str]) -> None:
        way = walk.way
        if walk.crowded:
            world.be_crowded()
        ways.restart(world, *world.all_names)
        found = _look(world, way, self._chance)
        if not walk.left:
            walk.count(found, self._ours(found))
        left = walk.left[kind]
        for _ in range(AT_A_TIME):
            if not left:
                break
            step = left.pop()
            told.append(f"killed before {found.get(step, 'one')}: {step}")
            walk.tried(step, _die(world, way, step, self._chance))
            way.whole(world)
        way.rest(world)
        invariants.at_rest(world)

    def _ours(self, found: Iterable[Step]) -> list[Step]:
        which, sharers = self._share
        ours = []
        by_thread = sorted(found, key=lambda step: step.thread)
        for (_, kind), run in groupby(by_thread, key=lambda step: (step.thread, step.kind)):
            these = [step for step in run if step.number % sharers == which]
            self._chance.shuffle(these)
            ours += these[:SPARSE] if kind == INNER else these
        self._chance.shuffle(ours)
        return ours


def _look(world: World, way: Way, chance: random.Random) -> dict[Step, str]:
    """The system calls of the way, by name. Of the second time: the first one is longer."""
    for _ in range(2):
        way.prepare(world, chance)
        with way.under(world, NOWHERE) as report:
            way.go(world)
            soon(lambda: way.done(world), lambda: f"done: {world.scan.said()}")
        found = stepping.calls(report)
        way.whole(world)
    return found


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
