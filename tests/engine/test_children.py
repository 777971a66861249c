"""Our children: each is told of, signalled and released by its owner, and by nobody else."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from supervise.engine.children import Children
from supervise.engine.process import Child
from supervise.engine.processes import is_child
from tests.support.scan import eventually

Start = Callable[..., Child]


@pytest.fixture
def children() -> Iterator[Children]:
    found = Children(lambda: False)
    found.begin()
    yield found
    found.reap()


@pytest.fixture
def start(children: Children) -> Iterator[Start]:
    pids = []

    def start(command: str, told: list[int], keep: bool = False) -> Child:
        pids.append(os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ))
        return Child(children, pids[-1], 0, told.append, keep)

    yield start
    for pid in filter(is_child, pids):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def reaped(children: Children, told: list[int]) -> int:
    """How the one ended that tells there."""
    eventually(lambda: children.reap() or told, "its end")
    (status,) = told
    return status


def same_pid(one: Child, other: Child) -> None:
    """As if the system had used the pid of the dead one again."""
    one.pid = other.pid


@pytest.mark.parametrize("keep", [False, True])
def test_one_that_has_died_takes_nothing_from_whoever_has_its_pid_now(
    children: Children, start: Start, keep: bool
) -> None:
    of_first: list[int] = []
    of_second: list[int] = []
    first = start("exit 1", of_first)
    assert reaped(children, of_first) == 1
    second = start("exec sleep 1000", of_second, keep)
    same_pid(first, second)
    first.send(signal.SIGKILL)
    first.release()
    second.send(signal.SIGTERM)
    assert reaped(children, of_second) == -signal.SIGTERM
    first.release()
    assert is_child(second.pid) == keep
    second.release()
    assert not is_child(second.pid)


def test_one_that_was_released_is_told_of_no_more(children: Children, start: Start) -> None:
    told: list[int] = []
    one = start("exit 1", told)
    one.release()
    eventually(lambda: children.reap() or not is_child(one.pid), "it is reaped")
    assert told == []
