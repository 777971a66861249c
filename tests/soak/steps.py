"""svscan is killed just before each system call that it makes on one way, each in its turn.

First the way is gone once under strace, which says what the calls are; then once for each of them,
with a SIGKILL injected there from outside.
"""

import contextlib
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from supervise.engine import processes
from tests.soak import events, invariants, logs
from tests.soak.world import World
from tests.support.gate import all_read, end
from tests.support.scan import eventually
from tests.support.trace import calls

AT_A_TIME = 20
"""Steps of one seed; the next seed goes on with the next ones."""

KINDS = {
    "a": {
        "log": "",
        "finish": "worker",
        "start-check": "worker",
        "leaves": "",
        "leftovers": "kill",
        "timeout-kill": "50",
        "notification-fd": "3",
    }
}
"""One service that has everything."""

Step = tuple[str, int]
"""A system call by name, and the how many-th of this name it is."""


class Way(NamedTuple):
    """:param prepare: makes it as `go` wants to find it.
    :param go: lets the thing happen.
    :param done: whether svscan has seen to it.
    """

    prepare: Callable[[World], None]
    go: Callable[[World], object]
    done: Callable[[World], bool]


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
    time.sleep(0.01)
    known = processes.facts(world.pid)
    return all_read(world.scan, "a") and known is not None and known.state == b"S"


def make_up(world: World) -> None:
    world.say("a", "uc")
    eventually(lambda: is_up(world), lambda: f"up: {world.scan.shown('a')}; {world.scan.said()}")


def is_up(world: World) -> bool:
    found = world.scan.record("a")
    return found is not None and found.readiness == "ready" and served(world)


def make_down(world: World) -> None:
    world.say("a", "d")
    eventually(lambda: is_down(world), lambda: f"down: {world.scan.shown('a')}")


def is_down(world: World) -> bool:
    return state(world) == "down" and served(world)


def crash(name: str) -> Callable[[World], None]:
    def go(world: World) -> None:
        for pid in world.instances(name):
            end(pid)

    return go


def restarted(name: str) -> Callable[[World], bool]:
    """Whether a next instance is up: the one before is gone by then."""

    def done(world: World) -> bool:
        found = world.scan.record(name)
        seen = world.instances(name)
        return found is not None and seen == [found.pid] and found.state == "up" and is_up(world)

    return done


def say(letters: str) -> Callable[[World], bool]:
    return lambda world: world.say("a", letters)


def send(number: int) -> Callable[[World], None]:
    return lambda world: os.kill(world.pid, number)


def ended(world: World) -> bool:
    return not world.alive


def unlinked(world: World) -> None:
    make_up(world)
    (world.scan.home / "b").unlink(missing_ok=True)
    if world.listens("b"):
        world.say("b", "dx")
        eventually(lambda: not world.listens("b"), "b is given up")


def b_is_up(world: World) -> bool:
    return state(world, "b") == "up" and world.listens("b") and served(world)


WAYS = {
    "start": Way(make_down, say("u"), is_up),
    "death": Way(make_up, crash("a"), restarted("a")),
    "stop": Way(make_up, say("d"), is_down),
    "restart": Way(make_up, say("t"), restarted("a")),
    "pause": Way(make_up, say("pc"), served),
    "logger": Way(make_up, crash("a/log"), restarted("a/log")),
    "link": Way(unlinked, lambda world: world.scan.link("b"), b_is_up),
    "scan": Way(make_up, send(signal.SIGHUP), served),
    "quit": Way(make_up, send(signal.SIGQUIT), ended),
    "end": Way(make_up, send(signal.SIGTERM), ended),
}
BEGIN = "begin"
"""The way of a successor, which finds one that runs and one that has died."""


def play(world: World, seed: int, told: list[str]) -> None:
    """Some steps of one way, which the seed chooses."""
    world.make("b", {})
    ways = [*WAYS, BEGIN]
    if seed // len(ways) % 4 == 3:
        world.be_crowded()
    way = ways[seed % len(ways)]
    world.start()
    steps = _steps(world, way)
    told.append(f"{way} has {len(steps)} system calls")
    begin = seed // len(ways) * AT_A_TIME % len(steps)
    chosen = (steps + steps)[begin : begin + min(AT_A_TIME, len(steps))]
    random.Random(seed).shuffle(chosen)
    if not world.alive:
        world.start()
    for step in chosen:
        told.append(f"{way}: killed before {step[0]} {step[1]}")
        _step(world, way, step)
        _whole(world)
    unlinked(world)
    invariants.at_rest(world)


def _whole(world: World) -> None:
    """All is well again, and nothing was done twice."""
    world.kill()
    world.start()
    make_alive(world)
    make_up(world)
    invariants.at_any_time(world)
    logs.check(world, "a")
    finished(world)


def make_alive(world: World) -> None:
    eventually(lambda: world.in_charge("a"), lambda: f"somebody supervises: {world.scan.said()}")


def finished(world: World) -> None:
    """Once for each instance that has ended."""
    lives = logs.lives(world.scan.services / "a")
    started = [words[2] for words in lives if words[0] == "start"]
    finished = Counter(words[3] for words in lives if words[0] == "finish")
    lost = [pid for pid in started[:-1] if not finished[pid]]
    twice = [pid for pid, times in finished.items() if times > 1]
    assert not lost, f"finish was not run for {lost}: {lives[-12:]}; {deaths(world)}"
    assert not twice, f"finish was run twice for {twice}: {lives[-12:]}; {deaths(world)}"


def deaths(world: World) -> list[tuple[int, float, bool]]:
    """Status, uptime, and whether it was asked for; the last one first."""
    found = world.scan.record("a")
    return [(one.status, one.uptime, one.asked) for one in found.deaths] if found else []


# The calls of a way


def _steps(world: World, way: str) -> list[Step]:
    with tempfile.NamedTemporaryFile() as trace:
        if way == BEGIN:
            _begin(world, "-o", trace.name)
            eventually(lambda: is_up(world), "the successor has control")
            world.kill()
            found = calls(Path(trace.name).read_text())
            locked = next(at for at, step in enumerate(found) if step[0] == "flock")
            return found[locked:]
        make_alive(world)
        WAYS[way].prepare(world)
        with events.traced(world, "-o", trace.name):
            WAYS[way].go(world)
            eventually(lambda: WAYS[way].done(world), f"{way} is done")
        return calls(Path(trace.name).read_text())


def _step(world: World, way: str, step: Step) -> None:
    name, number = step
    inject = ("-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={number}")
    if way == BEGIN:
        _begin(world, "-o", os.devnull, *inject)
        done = is_up
    else:
        make_alive(world)
        WAYS[way].prepare(world)
        with events.traced(world, *inject):
            WAYS[way].go(world)
            _until(lambda: not world.alive or WAYS[way].done(world), world)
        return
    _until(lambda: not world.alive or done(world), world)


def _begin(world: World, *options: str) -> None:
    """A successor under strace; the service dies unseen, its logger runs on."""
    if world.alive:
        make_up(world)
    world.kill()
    crash("a")(world)
    world.start(None, "strace", "-D", "-qq", *options)


def _until(look: Callable[[], bool], world: World) -> None:
    """One step less may be made than was counted, for nothing is exactly as it was."""
    eventually(look, lambda: f"{world.scan.shown('a')}; {world.scan.said()}")
