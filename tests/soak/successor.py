"""The way with which a successor begins: it finds services of every kind, each in the midst of
something."""

import random
from pathlib import Path

from tests.soak import invariants, logs, stepping
from tests.soak.waiting import soon
from tests.soak.ways import EVERYTHING, QUICK, Way, crash, finished, restart, served, state
from tests.soak.world import Kinds, World

KINDS: Kinds = {
    "a": EVERYTHING,
    "finishing": QUICK | {"finish": "worker"},
    "checking": QUICK | {"start-check": "worker"},
    "down": QUICK,
    "paused": QUICK,
    "steady": QUICK | {"log": ""},
    "unlinked": QUICK,
}
"""`a` has died unseen, while its logger runs; of two, `finish` and start-check are under way, or
end unseen; of `unlinked` the link was removed; the others are as their names."""

NAMES = (*KINDS, "a/log", "steady/log")
HELD = ("finishing", "checking")
ONCE = ("down", "paused", "steady", "unlinked")
"""Whoever goes on with these, they were started once."""


def _prepare(world: World, chance: random.Random) -> None:
    link = world.scan.home / "unlinked"
    if link.is_symlink():
        _whole_at_first(world)
        link.unlink()
    for name in HELD:
        _hold(world, name).touch()
        crash(name)(world)
        soon(lambda name=name: state(world, name) == name, lambda name=name: _told(world, name))
    # Two who die in a row with the same in hand leave it alone, and the last one died stepping.
    soon(lambda: served(world), "nothing is in hand")
    world.kill()
    crash("a")(world)
    if chance.random() < 0.5:
        _let_go(world)


def _whole_at_first(world: World) -> None:
    for name in NAMES:
        soon(lambda name=name: _up(world, name), lambda name=name: _told(world, name))
    for name in ONCE:
        soon(lambda name=name: _lives(world, name), f"{name} has said that it lives")
    world.say("down", "d")
    world.say("paused", "p")
    _until_as_named(world)


def _hold(world: World, name: str) -> Path:
    return world.scan.services / name / "hold"


def _let_go(world: World) -> None:
    for name in HELD:
        _hold(world, name).unlink(missing_ok=True)


def _done(world: World) -> bool:
    found = world.scan.record("a")
    in_charge = all(world.in_charge(name) for name in NAMES)
    return in_charge and found is not None and found.readiness == "ready" and served(world)


def _whole(world: World) -> None:
    _let_go(world)
    restart(world, *NAMES)
    _until_as_named(world)
    invariants.at_any_time(world)
    for name in ("a", "finishing"):
        finished(world, name)
    for name in ("a", "steady"):
        logs.check(world, name)
    for name in ONCE:
        lives = _lives(world, name)
        assert len(lives) == 1, f"{name} was started again: {lives}; {_told(world, name)}"
    found = world.scan.record("steady/log")
    assert found is not None
    assert found.starts == 1, f"a logger was started again: {_told(world, 'steady/log')}"


def _until_as_named(world: World) -> None:
    for name in NAMES:
        soon(lambda name=name: _as_named(world, name), lambda name=name: _told(world, name))


def _as_named(world: World, name: str) -> bool:
    found = world.scan.record(name)
    if name == "down":
        return found is not None and found.state == found.want == "down" and not _seen(world, name)
    return _up(world, name) and found is not None and found.paused == (name == "paused")


def _up(world: World, name: str) -> bool:
    found = world.scan.record(name)
    up = found is not None and found.state == found.want == "up" and found.readiness != "not yet"
    return up and found is not None and _seen(world, name) == [found.pid]


def _seen(world: World, name: str) -> list[int]:
    return world.instances(name)


def _lives(world: World, name: str) -> list[list[str]]:
    return logs.lives(world.scan.services / name)


def _told(world: World, name: str) -> str:
    return f"{name}: {_seen(world, name)}; {world.scan.shown(name)}; {world.scan.said()}"


WAY = Way(
    KINDS,
    stepping.begun,
    _prepare,
    lambda world: None,
    _done,
    _whole,
    invariants.mend,
)
