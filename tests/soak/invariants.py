"""What must be true, seen from outside."""

import contextlib
import os
import signal
from collections import Counter
from pathlib import Path

from supervise.engine import processes
from tests.soak import logs
from tests.soak.world import World
from tests.support.gate import all_read
from tests.support.scan import eventually

Look = tuple[bool, str]

WATCHES = 3
"""The scan directory, the one above it, the one that all links lead into, and nothing else for
long."""


def at_any_time(world: World) -> None:
    """Never two of a kind, never EPIPE: the workers themselves tell of it."""
    found = world.violations.read_text()
    assert not found, found
    said = world.scan.said()
    for bad in ("Traceback", "supervisor fault"):
        assert bad not in said, said


def mend(world: World) -> None:
    """A svscan with enough of all, the links, and the wish that all be up."""
    if world.alive and world.pid:
        os.kill(world.pid, signal.SIGCONT)
    world.kill()  # it may be one that is short of descriptors
    world.start()
    for name in world.names:
        if not (world.scan.home / name).is_symlink():
            world.scan.link(name)
    for name in world.all_names:
        eventually(
            lambda name=name: world.in_charge(name),
            lambda name=name: f"somebody supervises {name}: {world.scan.said()}",
        )
        world.say(name, "uc")
        for pid in world.instances(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def at_rest(world: World) -> None:
    """After `mend`, as soon as all has come to rest."""
    for name in world.all_names:
        eventually(
            lambda name=name: settled(world, name)[0], lambda name=name: settled(world, name)[1]
        )
    for name in world.logged:
        logs.check(world, name)
    eventually(lambda: not _zombies(world), lambda: f"zombies: {_zombies(world)}")
    eventually(lambda: not unexplained(world), lambda: f"descriptors: {unexplained(world)}")
    eventually(lambda: len(watches(world)) == WATCHES, lambda: f"watches: {watches(world)}")
    at_any_time(world)


def settled(world: World, name: str) -> Look:
    """Up, wanted, and just the one process that is seen from outside."""
    found = world.scan.record(name)
    seen = world.instances(name)
    ok = (
        found is not None
        and (found.state, found.want, found.paused) == ("up", "up", False)
        and seen == [found.pid]
        and (name.split("/")[0] != "teller" or "/" in name or found.readiness != "not yet")
        and all_read(world.scan, name)
    )
    return ok or _brief(
        world, name, seen
    ), f"{name}: {seen}; {world.scan.shown(name)}; {world.scan.said()}"


def _brief(world: World, name: str, seen: list[int]) -> bool:
    """Of one that always ends: it is wanted, and never two."""
    found = world.scan.record(name)
    return name == "brief" and found is not None and found.want == "up" and len(seen) <= 1


def _zombies(world: World) -> list[str]:
    found = []
    for pid in processes.all_pids():
        known = processes.facts(pid)
        if known is not None and not known.alive:
            found.append(f"{pid} of {_parent(pid)} (svscan: {world.pid})")
    return found


def _descriptors(pid: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[os.readlink(f"/proc/{pid}/fd/{name}")] += 1
        except FileNotFoundError:
            continue
    return found


def _expected(world: World) -> Counter[str]:
    """What a svscan at rest has open, by name."""
    found: Counter[str] = Counter(
        {
            "/dev/null": 1 + len(world.crowd),
            "anon_inode:[eventpoll]": 1,
            "anon_inode:[signalfd]": 1,
            "anon_inode:inotify": 1,
            f"/proc/{world.pid}/mountinfo": 1,
            str(world.scan.home): 1,  # its lock
            str(world.scan.home / ".svscan/handling"): 1,
            str(world.scan.messages): 2,  # as given, and opened anew
        }
    )
    for name in world.all_names:
        where = os.path.realpath(world.scan.services / name / "supervise")
        found.update(f"{where}/{file}" for file in ("lock", "control", "ok"))
    for name in world.logged:
        found[os.path.realpath(world.scan.services / name / "supervise") + "/stdout"] += 1
    return found


_BELL = "anon_inode:[eventfd]"
"""By which other threads tell of what they started, once there are any."""


def unexplained(world: World) -> dict[str, int]:
    """Descriptors too many (or, below zero, too few). A pidfd for each process that is adopted."""
    found, wanted = _descriptors(world.pid), _expected(world)
    stdout = os.readlink(f"/proc/{world.pid}/fd/1")
    wanted[stdout] += 1
    adopted = sum(
        _parent(pid) != world.pid for name in world.all_names for pid in world.instances(name)
    )
    wanted["anon_inode:[pidfd]"] = adopted
    return {
        name: found[name] - wanted[name]
        for name in found | wanted
        if found[name] != wanted[name] and "/ready" not in name and name != _BELL
    }


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def watches(world: World) -> list[str]:
    """Of inotify, as /proc tells of them."""
    for name in os.listdir(f"/proc/{world.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            if os.readlink(f"/proc/{world.pid}/fd/{name}") == "anon_inode:inotify":
                lines = Path(f"/proc/{world.pid}/fdinfo/{name}").read_text().splitlines()
                return [line for line in lines if line.startswith("inotify ")]
    return []
