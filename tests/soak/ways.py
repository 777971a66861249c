"""What svscan does to one service that has everything, and what must be true after it has died on
the way."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from supervise.engine import processes
from tests.soak import invariants, logs, stepping
from tests.soak.stepping import Under
from tests.soak.waiting import soon
from tests.soak.world import Kinds, World
from tests.support.gate import all_read, end

QUICK = {"backoff/first": "0.1", "backoff/max": "0.1", "backoff/reset": "3600"}
"""From the second death on; before it, and after each `u`, two starts are a second apart."""

EVERYTHING = QUICK | {
    "log": "",
    "finish": "worker",
    "start-check": "worker",
    "leaves": "20",
    "leftovers": "kill",
    "timeout-kill": "10",
    "notification-fd": "3",
}


class Way(NamedTuple):
    """:param kinds: the services.
    :param under: how svscan comes to be looked on.
    :param prepare: makes all as `go` wants to find it; svscan lives.
    :param go: lets the thing happen.
    :param done: whether svscan has seen to it.
    :param whole: once svscan is dead: a next one, and all must be well.
    :param rest: how all is left in the end.
    """

    kinds: Kinds
    under: Under
    prepare: Callable[[World, random.Random], None]
    go: Callable[[World], object]
    done: Callable[[World], bool]
    whole: Callable[[World], None]
    rest: Callable[[World], None]


def _one(
    prepare: Callable[[World], None],
    go: Callable[[World], object],
    done: Callable[[World], bool],
    files: dict[str, str] = EVERYTHING,
) -> Way:
    """A way of the service `a`; `b` comes and goes."""
    return Way(
        {"a": files},
        stepping.attached,
        lambda world, chance: prepare(world),
        go,
        done,
        _whole,
        _unlinked,
    )


def _whole(world: World) -> None:
    """All is well again, and nothing was done twice."""
    restart(world, "a")
    make_up(world)
    invariants.at_any_time(world)
    logs.check(world, "a")
    finished(world, "a")


def restart(world: World, *names: str) -> None:
    """Another svscan, that has control of these."""
    world.kill()
    world.start()
    for name in names:
        soon(
            lambda name=name: world.in_charge(name),
            lambda name=name: f"somebody supervises {name}: {world.scan.said()}",
        )


def finished(world: World, name: str) -> None:
    """Once for each instance that has ended, where there is a `finish`."""
    directory = world.scan.services / name
    if not (directory / "finish").exists():
        return
    lives = logs.lives(directory)
    started = [words[2] for words in lives if words[0] == "start"]
    finished = Counter(words[3] for words in lives if words[0] == "finish")
    lost = [pid for pid in started[:-1] if not finished[pid]]
    twice = [pid for pid, times in finished.items() if times > 1]
    told = lambda: f"{lives[-12:]}; {deaths(world, name)}; {world.scan.said()}"  # noqa: E731
    assert not lost, f"finish was not run for {lost}: {told()}"
    assert not twice, f"finish was run twice for {twice}: {told()}"


def deaths(world: World, name: str) -> list[tuple[int, float, bool]]:
    """Status, uptime, and whether it was asked for; the last one first."""
    found = world.scan.record(name)
    return [(one.status, one.uptime, one.asked) for one in found.deaths] if found else []


# How it is


def state(world: World, name: str = "a") -> str:
    found = world.scan.record(name)
    return found.state if found is not None else ""


def served(world: World) -> bool:
    """Whether all letters were read, and what they asked for is done: a second look, after one
    more turn of the loop."""
    with contextlib.suppress(OSError):
        return all_read(world.scan, "a") and world.say("a", " ") and _idle(world)
    return False


def _idle(world: World) -> bool:
    """Whether svscan sleeps, which it only does when there is nothing to do."""
    time.sleep(0.002)
    known = processes.facts(world.pid)
    return all_read(world.scan, "a") and known is not None and known.state == b"S"


def is_up(world: World) -> bool:
    """And begun, and the one that is seen from outside."""
    found = world.scan.record("a")
    up = found is not None and found.state == "up" and found.readiness in ("untold", "ready")
    return up and found is not None and world.instances("a") == [found.pid] and served(world)


def is_down(world: World) -> bool:
    return state(world) == "down" and served(world)


def restarted(name: str) -> Callable[[World], bool]:
    """Whether a next one is up: the one before is gone already."""

    def done(world: World) -> bool:
        found = world.scan.record(name)
        seen = world.instances(name)
        return found is not None and seen == [found.pid] and found.state == "up" and is_up(world)

    return done


def ended(world: World) -> bool:
    return not world.alive


def b_is_up(world: World) -> bool:
    return state(world, "b") == "up" and world.listens("b") and served(world)


# How it becomes so


def make_up(world: World) -> None:
    found = world.scan.record("a")
    if found is None or found.want == "down" or found.paused:
        world.say("a", "uc")
    soon(lambda: is_up(world), lambda: f"up: {world.scan.shown('a')}; {world.scan.said()}")


def make_down(world: World) -> None:
    world.say("a", "d")
    soon(lambda: is_down(world), lambda: f"down: {world.scan.shown('a')}")


def crash(name: str) -> Callable[[World], None]:
    def go(world: World) -> None:
        for pid in world.instances(name):
            end(pid)

    return go


def say(letters: str) -> Callable[[World], bool]:
    return lambda world: world.say("a", letters)


def replace(world: World) -> None:
    """It is told to restart, and the one before is gone, if svscan has lived to see to it."""
    before = set(world.instances("a"))
    world.say("a", "t")
    soon(
        lambda: not world.alive or before.isdisjoint(world.instances("a")),
        lambda: f"the end of {before}: {world.scan.said()}",
    )


def send(number: int) -> Callable[[World], None]:
    return lambda world: os.kill(world.pid, number)


def _unlinked(world: World) -> None:
    make_up(world)
    (world.scan.home / "b").unlink(missing_ok=True)
    if world.listens("b"):
        world.say("b", "dx")
        soon(lambda: not world.listens("b"), "b is given up")


def _link(world: World) -> None:
    if not (world.scan.services / "b").exists():
        world.make("b", {})
    world.scan.link("b")


WAYS = {
    "plain start": _one(make_down, say("u"), is_up, QUICK),
    "plain death": _one(make_up, crash("a"), restarted("a"), QUICK),
    "plain restart": _one(make_up, replace, restarted("a"), QUICK),
    "start": _one(make_down, say("u"), is_up),
    "death": _one(make_up, crash("a"), restarted("a")),
    "stop": _one(make_up, say("d"), is_down),
    "restart": _one(make_up, replace, restarted("a")),
    "pause": _one(make_up, say("pc"), served),
    "logger": _one(make_up, crash("a/log"), restarted("a/log")),
    "link": _one(_unlinked, _link, b_is_up),
    "scan": _one(make_up, send(signal.SIGHUP), served),
    "quit": _one(make_up, send(signal.SIGQUIT), ended),
    "end": _one(make_up, send(signal.SIGTERM), ended),
}
