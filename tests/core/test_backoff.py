"""When the next instance may start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervise.core.backoff import APART, SPREAD, Backoff, after_death

KNOBS = Backoff(first=1.0, max=60.0, reset=10.0)


@pytest.mark.parametrize(
    ("failures", "delay"),
    [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60), (10**9, 60)],
)
def test_each_failure_after_the_first_doubles_the_delay_up_to_the_most(failures, delay) -> None:
    assert after_death(failures, 100.0, 100.5, KNOBS, 0.0) == (failures + 1, 100.5 + delay)


def test_the_first_failure_restarts_a_second_after_the_last_start() -> None:
    assert after_death(0, 100.0, 100.25, KNOBS, 0.5) == (1, 101.0)


def test_the_first_failure_restarts_at_once_if_the_instance_was_up_for_a_second() -> None:
    assert after_death(0, 100.0, 103.0, KNOBS, 0.5) == (1, 103.0)


def test_a_long_life_zeroes_the_count_and_restarts_at_once() -> None:
    assert after_death(9, 100.0, 110.0, KNOBS, 0.5) == (0, 110.0)


def test_nothing_spins_where_every_life_is_long_enough() -> None:
    assert after_death(0, 100.0, 100.0, KNOBS._replace(reset=0.0), 0.0) == (0, 101.0)


@given(
    failures=st.integers(0, 2**32),
    uptime=st.floats(0, 1e6),
    jitter=st.floats(-1, 1),
    first=st.floats(0.1, 1e6),
    most=st.floats(0.1, 1e6),
    reset=st.floats(0, 1e6),
)
def test_the_formula(failures, uptime, jitter, first, most, reset) -> None:
    now = 1e6 + uptime
    count, start_at = after_death(failures, 1e6, now, Backoff(first, most, reset), jitter)
    delay = start_at - now
    if count < 2:
        assert 0 <= delay <= APART
        assert start_at >= 1e6 + APART
    else:
        assert count == failures + 1
        assert delay <= most * (1 + SPREAD) + 1e-6
        assert delay >= min(first, most) * (1 - SPREAD) - 1e-6
        if count <= 60:
            exact = min(first * 2 ** (count - 2), most) * (1 + SPREAD * jitter)
            assert delay == pytest.approx(exact, abs=1e-6)


@given(st.floats(0, 100), st.floats(-1, 1))
def test_the_first_restart_is_never_later_than_that_of_daemontools(uptime, jitter) -> None:
    _, start_at = after_death(0, 1000.0, 1000.0 + uptime, KNOBS, jitter)
    assert start_at == max(1000.0 + uptime, 1001.0)
