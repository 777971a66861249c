"""Deadlines that are moved and taken back."""

import os
import select
import time
import weakref

from supervise.core.situation import NEVER
from supervise.engine.loop import Alarm, Loop
from tests.support.scan import DEADLINE


class Told:
    def ring(self) -> None:
        raise AssertionError("it was taken back")


def test_what_was_taken_back_is_let_go_at_once() -> None:
    loop = Loop()
    last = Alarm(loop.end)
    loop.set(last, time.monotonic() + 0.01)
    kept = []
    for _ in range(10_000):
        told = Told()
        alarm = Alarm(told.ring)
        loop.set(alarm, time.monotonic() + 1000)
        loop.set(alarm, NEVER)
        kept.append(weakref.ref(told))
    del told, alarm
    assert not any(one() for one in kept)
    loop.run()


def test_one_that_is_moved_again_and_again_rings_once() -> None:
    loop = Loop()
    rung: list[int] = []
    often, last = Alarm(lambda: rung.append(1)), Alarm(loop.end)
    for number in range(10_000):
        loop.set(often, time.monotonic() + 1000 - number / 10)
    loop.set(often, time.monotonic())
    loop.set(last, time.monotonic() + 0.01)
    loop.run()
    assert rung == [1]


def test_what_can_wait_is_done_though_there_is_always_something_to_do_first() -> None:
    loop = Loop()
    reading, writing = os.pipe()
    loop.add(writing, lambda _: loop.soon(lambda: None), select.EPOLLOUT)  # it always can
    done: list[str] = []
    loop.later(lambda: done.append("what can wait"))
    loop.later(loop.end)
    loop.set(Alarm(loop.end), time.monotonic() + DEADLINE)
    loop.run()
    os.close(reading)
    os.close(writing)
    assert done


def test_what_can_wait_does_while_other_threads_are_at_our_works() -> None:
    loop = Loop()
    done: list[str] = []

    def ended() -> None:
        done.append("a work")
        loop.under_way = 0

    loop.under_way = 1
    loop.later(lambda: done.append("what can wait"))
    loop.later(loop.end)
    loop.set(Alarm(ended), time.monotonic() + 0.05)
    loop.run()
    assert done == ["a work", "what can wait"]


def test_what_a_closed_descriptor_would_have_told_is_not_told_to_the_next_of_its_number() -> None:
    """Of two that have events at once, whoever is told first closes the other one."""
    loop = Loop()
    (one, _), (other, _), (quiet, _) = pipes = [os.pipe() for _ in range(3)]
    told: list[str] = []

    def replace(closed: int) -> None:
        told.append("the first one")
        loop.remove(closed)
        os.dup2(quiet, closed)
        loop.add(closed, lambda _: told.append("one that has no events"))
        loop.set(Alarm(loop.end), time.monotonic())

    loop.add(one, lambda _: replace(other))
    loop.add(other, lambda _: replace(one))
    for _, writing in pipes[:2]:
        os.write(writing, b"x")
    loop.run()
    for fd in (fd for ends in pipes for fd in ends):
        os.close(fd)
    assert told == ["the first one"]
