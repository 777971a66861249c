"""What happens in a history: one thing after the other, by chance, each said in a few words."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.soak import invariants
from tests.soak.world import STEADY, World
from tests.support.scan import DEADLINE

Happens = Callable[[World, random.Random], str]

LETTERS = [
    "t",
    "k",
    "d",
    "u",
    "o",
    "p",
    "c",
    "h",
    "a",
    "i",
    "q",
    "x",
    "dx",
    "du",
    "dxu",
    "tt",
    "uo",
]
DEADLY = [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM]
_FAILING = {
    "openat": "EMFILE",
    "pidfd_open": "EMFILE",
    "pipe2": "EMFILE",
    "newfstatat": "ENOMEM",
    "getdents64": "ENOMEM",
    "epoll_ctl": "ENOSPC",
    "rename": "ENOSPC",
    "pwrite64": "EIO",
}
_NO_FORK = ("-e", "inject=clone,clone3,vfork,fork:error=EAGAIN")


def letters(world: World, chance: random.Random) -> str:
    name = chance.choice(world.all_names)
    said = chance.choice(["p", "c", "u"] if name in STEADY else LETTERS)
    return f"{said} to {name}" + ("" if world.say(name, said) else ", unheard")


def noise(world: World, chance: random.Random) -> str:
    name = chance.choice(world.all_names)
    world.say(name, "".join(chance.choice("zZ?\0\n y") for _ in range(3000)))
    return f"noise to {name}"


def crash(world: World, chance: random.Random) -> str:
    """Of an instance, be it paused."""
    names = [name for name in world.all_names if name not in STEADY]
    name, number = chance.choice(names), chance.choice(DEADLY)
    return f"{number.name} to {name}: {_signal(world, name, number)}"


def stop(world: World, chance: random.Random) -> str:
    """Behind the supervisor's back."""
    name, number = chance.choice(world.all_names), chance.choice([signal.SIGSTOP, signal.SIGCONT])
    return f"{number.name} to {name}: {_signal(world, name, number)}"


def _signal(world: World, name: str, number: signal.Signals) -> list[int]:
    pids = world.instances(name)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return pids


def unlink(world: World, chance: random.Random) -> str:
    name = chance.choice(world.names)
    (world.scan.home / name).unlink(missing_ok=True)
    return f"the link of {name} is removed"


def link(world: World, chance: random.Random) -> str:
    name = chance.choice(world.names)
    with contextlib.suppress(FileExistsError):
        world.scan.link(name)
    return f"the link of {name} is there"


def rename(world: World, chance: random.Random) -> str:
    """The link, to another name and back."""
    name = chance.choice(world.names)
    path = world.scan.home / name
    with contextlib.suppress(FileNotFoundError):
        path.rename(path.with_name(f"{name}-renamed"))
    if chance.random() < 0.5:
        time.sleep(chance.random() * 0.05)
    with contextlib.suppress(FileNotFoundError):
        path.with_name(f"{name}-renamed").rename(path)
    return f"the link of {name} is renamed and renamed back"


def rubbish(world: World, chance: random.Random) -> str:
    """Names that are no services come and go."""
    path = world.scan.home / f"rubbish-{chance.randrange(4)}"
    if path.is_symlink() or path.exists():
        clear(path)
        return f"{path.name} goes"
    kind = chance.choice(["file", "directory", "dangling"])
    if kind == "file":
        path.touch()
    elif kind == "directory":
        path.mkdir(0o700)
    else:
        path.symlink_to("nowhere")
    return f"{path.name} comes, a {kind}"


def clear(path: Path) -> None:
    """What svscan made in it goes too."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


def refuse(world: World, chance: random.Random) -> str:
    """What the start-check of `checked` asks for."""
    path = world.scan.services / "checked/refuse"
    if path.exists():
        path.unlink()
        return "checked may start"
    path.touch()
    return "checked may not start"


def jump(world: World, chance: random.Random) -> str:
    seconds = chance.choice([-86400 * 400, -3600, -3, 3, 3600, 86400 * 400])
    world.jump(seconds)
    return f"the wall clock jumps by {seconds} s"


def disk(world: World, chance: random.Random) -> str:
    if (world.disk / "fill").exists():
        world.free_disk()
        return "the small disk has room"
    world.fill_disk()
    return "the small disk is full"


# What happens to svscan


def kill(world: World, chance: random.Random) -> str:
    """At a random moment; a next one comes some time later, or at once."""
    world.kill()
    if chance.random() < 0.7:
        time.sleep(chance.random() * 0.1)
    descriptors = chance.choice([None, None, None, 100, 130])
    world.start(descriptors)
    short = f", with {descriptors} descriptors" if descriptors else ""
    return "svscan is killed, and a next one begins" + short


def leave(world: World, chance: random.Random) -> str:
    return _end(world, signal.SIGQUIT)


def term(world: World, chance: random.Random) -> str:
    """Ended in earnest, and killed on the way down where that takes long."""
    return _end(world, signal.SIGTERM, chance.random() * 0.6)


def _end(world: World, number: signal.Signals, patience: float = DEADLINE) -> str:
    if not world.alive or not world.serves(number):
        return f"{number.name} would come too early"
    world.ended |= number == signal.SIGTERM
    os.kill(world.pid, number)
    said = f"{number.name} to svscan"
    try:
        assert world.scan.svscan is not None
        world.scan.svscan.wait(patience)
    except subprocess.TimeoutExpired:
        world.kill()
        said += ", and KILL"
    world.start()
    return said + ", and a next one begins"


def hup(world: World, chance: random.Random) -> str:
    if not world.alive or not world.serves(signal.SIGHUP):
        return "HUP would come too early"
    os.kill(world.pid, signal.SIGHUP)
    return "HUP to svscan"


def upgrade(world: World, chance: random.Random) -> str:
    """Where this svscan can."""
    if not world.alive or not world.serves(signal.SIGUSR2):
        return "no upgrade in place here"
    for _ in range(chance.choice([1, 1, 2, 5])):
        os.kill(world.pid, signal.SIGUSR2)
    return "svscan is upgraded in place"


def freeze(world: World, chance: random.Random) -> str:
    """svscan, while things happen that it will see all at once."""
    if not world.alive:
        return "nobody to stop"
    os.kill(world.pid, signal.SIGSTOP)
    said = [chance.choice(MEANWHILE)(world, chance) for _ in range(chance.randrange(6))]
    os.kill(world.pid, signal.SIGCONT)
    return "while svscan is stopped: " + "; ".join(said)


def overflow(world: World, chance: random.Random) -> str:
    """More happens in the scan directory than inotify keeps."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if not world.alive or limit > 20_000:
        return "no overflow of inotify here"
    os.kill(world.pid, signal.SIGSTOP)
    one, two = world.scan.home / ".one", world.scan.home / ".two"
    one.touch()
    for _ in range(limit // 4 + 1):  # four events a turn
        os.rename(one, two)
        os.rename(two, one)
    one.unlink()
    said = [chance.choice([link, unlink, rename])(world, chance) for _ in range(3)]
    os.kill(world.pid, signal.SIGCONT)
    return "inotify overflows: " + "; ".join(said)


def no_fork(world: World, chance: random.Random) -> str:
    """For a while no process can be had."""
    return _while_traced(world, chance, "no process can be had", *_NO_FORK)


def failing(world: World, chance: random.Random) -> str:
    """For a while some system call fails now and then: when all is imported, and until an upgrade
    imports it anew."""
    call, error = chance.choice(list(_FAILING.items()))
    when = f"{chance.randrange(1, 8)}+{chance.randrange(2, 12)}"
    inject = f"inject={call}:error={error}:when={when}"
    what = f"{call} fails with {error} at {when}"
    if not world.alive:
        return f"nobody for whom {what}"
    _stop(world.pid)  # until it is traced: it may be about to execute
    try:
        if not _watches(world):
            return f"too early: {what}"
        return _while_traced(world, chance, what, "-b", "execve", "-e", inject)
    finally:
        if world.alive:
            os.kill(world.pid, signal.SIGCONT)


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + DEADLINE
    while "State:\tT" not in _status(pid) and time.monotonic() < until:
        time.sleep(0.001)


def _watches(world: World) -> bool:
    """Whether svscan has inotify, which it imports last."""
    with contextlib.suppress(OSError):
        return bool(invariants.watches(world))
    return False


def _while_traced(world: World, chance: random.Random, what: str, *options: str) -> str:
    """Things that happen while strace has svscan meet with this trouble."""
    with traced(world, *options) as attached:
        if not attached:
            return f"nobody for whom {what}"
        said = [chance.choice(MEANWHILE)(world, chance) for _ in range(4)]
        time.sleep(chance.random() * 0.1)
    return f"{what}: " + "; ".join(said)


@contextlib.contextmanager
def traced(world: World, *options: str) -> Iterator[bool]:
    """strace on svscan, where that lives; whether it does."""
    if shutil.which("strace") is None or not world.alive:
        yield False
        return
    command = ["strace", "-qq", "-p", str(world.pid), "-o", os.devnull, *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        try:
            until = time.monotonic() + DEADLINE
            while not _tracer(world.pid) and tracer.poll() is None and time.monotonic() < until:
                time.sleep(0.005)
            os.kill(world.pid, signal.SIGCONT)
            yield tracer.poll() is None
        finally:
            tracer.terminate()


def _tracer(pid: int) -> bool:
    status = _status(pid)
    return bool(status) and "TracerPid:\t0\n" not in status


def _status(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/status").read_text()
    return ""


MEANWHILE: list[Happens] = [letters, letters, crash, crash, unlink, link, rename, refuse]
EVENTS: dict[Happens, int] = {
    letters: 30,
    crash: 15,
    stop: 4,
    noise: 1,
    unlink: 3,
    link: 5,
    rename: 2,
    rubbish: 2,
    refuse: 3,
    jump: 3,
    disk: 3,
    kill: 12,
    leave: 3,
    term: 2,
    hup: 3,
    upgrade: 5,
    freeze: 4,
    overflow: 1,
    no_fork: 2,
    failing: 3,
}
"""How often each is drawn."""
