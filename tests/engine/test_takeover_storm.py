"""svscan is killed again and again, at random moments and at each of its steps."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.gate import (
    all_read,
    end,
    instances,
    only_instance,
    served,
    taken_up,
)
from tests.support.scan import BIN, SLEEPER, Scan, eventually
from tests.support.trace import calls, kill_while_an_instance_is_on_its_way_to_exec, strace

SERVICES = [f"s{number}" for number in range(10)]
LOGGED = SERVICES[:4]
KILLS = 25

FINISH = "#!/bin/sh\nexit 0\n"
LOGGER = "#!/bin/sh\nexec cat >/dev/null\n"


def all_names() -> list[str]:
    return SERVICES + [f"{name}/log" for name in LOGGED]


def say(scan: Scan, name: str, letters: str) -> None:
    """Where somebody listens."""
    with contextlib.suppress(OSError):
        path = scan.services / name / "supervise/control"
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        with contextlib.suppress(OSError):
            os.write(fd, letters.encode())
        os.close(fd)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm(scan: Scan, seed: int) -> None:
    """In the end exactly one instance of each, and never two on the way."""
    chance = random.Random(seed)
    for name in SERVICES:
        log = {"log__run": LOGGER} if name in LOGGED else {}
        finish = {"finish": FINISH} if name in SERVICES[2:6] else {}
        scan.add(name, SLEEPER, **log, **finish)
    for _ in range(KILLS):
        scan.start()
        for _ in range(chance.randrange(12)):
            say(
                scan, chance.choice(all_names()), chance.choice(["t", "k", "d", "u", "p", "c", "o"])
            )
            time.sleep(chance.random() * 0.03)  # a random moment
        if chance.random() < 0.3:
            for pid in instances(scan, chance.choice(SERVICES)):
                os.kill(pid, signal.SIGKILL)
        scan.kill()
        assert all(len(instances(scan, name)) <= 1 for name in chance.sample(SERVICES, 2))
    scan.start()
    for name in all_names():
        taken_up(scan, name)
        scan.control(name, "uc")
    for name in all_names():
        only_instance(scan, name)
    assert scan.stop() == 0
    assert not list(scan.ours())


# Each step: svscan is killed just before a system call that changes something

CHANGING = "clone,clone3,kill,pidfd_send_signal,write,pwrite64,rename,renameat"

Event = Callable[[Scan, int], object]
"""Lets something happen to a service with this pid (0: none)."""


def killed(scan: Scan, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def down_up(scan: Scan, pid: int) -> None:
    """In one write: told to end, and wanted up again."""
    scan.control("a", "du")


def up(scan: Scan, pid: int) -> None:
    scan.control("a", "u")


def ready_for(scan: Scan, happens: Event) -> int:
    """The service as the event wants to find it; its pid, 0 when it is down."""
    pid = 0
    if happens is up:
        scan.control("a", "d")
        scan.state("a", "down")
    else:
        pid = only_instance(scan, "a")
    served(scan, "a")
    return pid


def begin_anew(scan: Scan) -> None:
    scan.kill()
    scan.start()
    served(scan, "a")


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("happens", [killed, down_up, up])
def test_svscan_is_killed_at_each_step(scan: Scan, happens: Event, tmp_path: Path) -> None:
    """Whatever it was just about to do: in the end there is one instance, and only one."""
    fast = {"backoff__first": "0.1\n", "backoff__max": "0.1\n", "leftovers": "wait\n"}
    scan.add("a", finish=FINISH, **fast)
    scan.start()
    before = ready_for(scan, happens)
    trace = tmp_path / "trace"
    with strace(scan, "-o", str(trace), "-e", f"trace={CHANGING}"):
        happens(scan, before)
        scan.up("a", beside=before)
        served(scan, "a")
    steps = calls(trace.read_text())
    assert len(steps) >= 5
    for name, number in steps:
        inject = f"inject={name}:signal=KILL:when={number}"
        before = ready_for(scan, happens)
        with strace(scan, "-o", os.devnull, "-e", f"trace={name}", "-e", inject):
            happens(scan, before)
            wait_for_death(scan, "a", before)
        begin_anew(scan)
        if happens is not killed:
            scan.control("a", "u")  # the letters may have been lost with their reader
        assert only_instance(scan, "a")


def wait_for_death(scan: Scan, name: str, before: int) -> None:
    """svscan is killed; or it came through, as what it does may take one step less."""

    def dead_or_through() -> bool:
        assert scan.svscan is not None
        found = scan.record(name)
        through = found is not None and found.state == "up" and found.pid not in (0, before)
        return scan.svscan.poll() is not None or (through and all_read(scan, name))

    eventually(dead_or_through, lambda: f"{scan.shown(name)}; {scan.said()}")


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_the_successor_is_killed_at_each_step(scan: Scan, tmp_path: Path) -> None:
    """Of one that died unwatched, and one that runs."""
    scan.add("runs")
    scan.add("dies", finish=FINISH, backoff__first="0.1\n", backoff__max="0.1\n")
    scan.start()
    runs = scan.up("runs")
    trace = tmp_path / "trace"
    steps: list[tuple[str, int]] = [("getppid", 99)]
    while steps:
        name, number = steps.pop()
        dies = only_instance(scan, "dies")
        served(scan, "dies")  # else this kill counts as a death at its start, and so may the next
        scan.kill()
        end(dies)
        first = not trace.exists()
        options = ["-o", str(trace), "-e", f"trace={CHANGING}"]
        if not first:
            inject = f"inject={name}:signal=KILL:when={number}"
            options = ["-o", os.devnull, "-e", f"trace={name}", "-e", inject]
        scan.svscan = subprocess.Popen(
            ["strace", "-D", "-qq", *options, BIN / "svscan", scan.home],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for_death(scan, "dies", dies)
        if first:
            for one in ("runs", "dies"):
                served(scan, one)
            steps = calls(trace.read_text())
            assert len(steps) > 5
        scan.kill()
        scan.start()
        for one in ("runs", "dies"):
            only_instance(scan, one)
        assert scan.up("runs") == runs


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_svscan_is_killed_while_the_instance_is_on_its_way_to_exec(scan: Scan) -> None:
    """The nonce is not yet in its environment, but it still holds our locks open: they are free
    when the exec is through."""
    kill_while_an_instance_is_on_its_way_to_exec(scan)
