"""A service's way up and down: checks, deaths, finish, leftovers, deadlines, taking over."""

import pytest

from supervise.core import machine
from supervise.core.events import (
    CHANGED,
    CHECK,
    CLEAR,
    CLEARED,
    DIED,
    DUE,
    END_LEFTOVERS,
    FINISH,
    FINISHED,
    FOUND,
    KILL,
    KILL_HELPER,
    LOST,
    NEVER_BEGUN,
    NOT_STARTED,
    PASSED,
    PERMANENT_FAILURE,
    READY,
    REFUSED,
    SIGSTOP,
    START,
    STOP,
    TAKEN_UP,
    Event,
    Signal,
)
from supervise.core.situation import (
    CHECKING,
    DOWN,
    FINISHING,
    LEFTOVERS,
    NEVER,
    STOPPING,
    UP,
    WAITING,
    Situation,
)
from tests.core.telling import (
    MAKERS,
    checking,
    down,
    finishing,
    leftovers,
    stopping,
    tell,
    up,
    waiting,
)

# Up and up again


@pytest.mark.parametrize(
    ("steps", "actions", "state"),
    [
        ((), [START], UP),
        ((CHECK,), [CHECK], CHECKING),
        ((FINISH, CHECK), [FINISH], FINISHING),
        ((CLEAR, FINISH, CHECK), [CLEAR], LEFTOVERS),
    ],
)
def test_steps_that_a_service_has_not_got_are_passed_over(steps, actions, state) -> None:
    s = up()
    died = Event(DIED, 100.0)
    assert machine.pass_over(s, died, machine.handle(s, died), frozenset(steps)) == actions
    assert s.state == state


def test_what_is_passed_over_may_end_the_way_up() -> None:
    s = stopping()
    died = Event(DIED, 100.0)
    assert machine.pass_over(s, died, machine.handle(s, died), frozenset()) == []
    assert s.state == DOWN


def test_a_wanted_service_is_checked_and_then_started() -> None:
    s = Situation("up")
    assert tell(s, TAKEN_UP) == [CHECK]
    assert tell(s, PASSED, now=5.0) == [START]
    assert (s.state, s.started_at) == (UP, 5.0)


def test_one_with_a_down_file_stays_down() -> None:
    s = Situation("down")
    assert tell(s, TAKEN_UP) == []
    assert s.state == DOWN


def test_a_death_is_followed_by_leftovers_finish_and_a_start() -> None:
    s = up()
    assert tell(s, DIED, now=20.0) == [CLEAR]
    assert tell(s, CLEARED, now=20.0) == [FINISH]
    assert tell(s, FINISHED, now=20.0) == [CHECK]
    assert tell(s, PASSED, now=20.0) == [START]


def test_two_starts_are_a_second_apart() -> None:
    s = waiting()
    assert (s.start_at, s.due) == (1.0, 1.0)
    assert tell(s, DUE, now=1.0) == [CHECK]


def test_a_finish_that_takes_its_time_counts_as_waiting() -> None:
    s = finishing()
    assert tell(s, FINISHED, now=3.0) == [CHECK]


def test_a_start_that_fails_is_tried_again_later_and_later() -> None:
    s = checking()
    delays = []
    for _ in range(9):
        now = s.start_at
        tell(s, PASSED, NOT_STARTED, now=now)
        assert s.state == WAITING
        delays.append(s.start_at - now)
        tell(s, DUE, now=s.start_at)
    assert delays == [1, 1, 2, 4, 8, 16, 32, 60, 60]


def test_readiness_is_told_where_the_service_has_a_notification_fd() -> None:
    s = checking()
    assert s.readiness == "untold"
    machine.handle(s, Event(PASSED, 0.0, tells=True))
    assert s.readiness == "not yet"
    tell(s, READY)
    assert s.readiness == "ready"
    tell(s, DIED)
    assert s.readiness == "untold"


# start-check and watch


def test_a_check_that_refuses_is_asked_again_later_and_later() -> None:
    s = checking()
    delays = []
    for _ in range(4):
        now = s.start_at
        assert tell(s, REFUSED, now=now) == []
        delays.append(s.start_at - now)
        assert tell(s, DUE, now=s.start_at) == [CHECK]
    assert delays == [1, 1, 2, 4]


def test_a_change_asks_again_at_once() -> None:
    s = checking()
    tell(s, REFUSED)
    assert tell(s, CHANGED, now=0.5) == [CHECK]


def test_a_change_while_the_check_runs_asks_again_within_a_second() -> None:
    """The check may have read what was there before."""
    s = checking()
    s.failures = 7
    assert tell(s, CHANGED, REFUSED, now=50.0) == []
    assert (s.state, s.start_at) == (WAITING, 51.0)


@pytest.mark.parametrize("make", [make for make in MAKERS if make not in (waiting, checking)])
def test_a_change_is_nothing_elsewhere(make) -> None:
    s = make()
    assert tell(s, CHANGED) == []
    assert s.state == make.__name__


# finish


def test_finish_with_125_says_not_to_start_again() -> None:
    s = finishing()
    assert tell(s, FINISHED, code=PERMANENT_FAILURE) == []
    assert (s.state, s.want, s.failed) == (DOWN, "down", True)


@pytest.mark.parametrize("letter", "uo")
def test_finish_with_125_has_the_last_word_over_letters_that_came_before(letter) -> None:
    s = finishing()
    tell(s, letter)
    assert tell(s, FINISHED, code=PERMANENT_FAILURE) == []


@pytest.mark.parametrize("letter", "uo")
def test_after_125_a_letter_starts_it(letter) -> None:
    s = finishing()
    tell(s, FINISHED, code=PERMANENT_FAILURE)
    assert tell(s, letter) == [CHECK]
    assert not s.failed


@pytest.mark.parametrize("code", [0, 1, 111, 124, 126, -9, -256])
def test_no_other_end_of_finish_says_so(code) -> None:
    s = finishing()
    tell(s, FINISHED, code=code)
    assert s.state == WAITING


# Deadlines


def with_deadline(make) -> Situation:
    s = make()
    s.deadline = 5.0
    return s


@pytest.mark.parametrize(
    ("make", "action"),
    [
        (stopping, KILL),
        (leftovers, END_LEFTOVERS),
        (checking, KILL_HELPER),
        (finishing, KILL_HELPER),
    ],
)
def test_a_deadline_kills_once(make, action) -> None:
    s = with_deadline(make)
    assert s.due == 5.0
    assert tell(s, DUE, now=5.0) == [action]
    assert s.due == NEVER


@pytest.mark.parametrize(
    ("make", "end"),
    [(checking, PASSED), (checking, REFUSED), (stopping, DIED), (leftovers, CLEARED)],
)
def test_a_deadline_ends_with_what_it_was_for(make, end) -> None:
    s = with_deadline(make)
    tell(s, end)
    assert s.deadline == NEVER


# Taking over


def test_what_is_paused_is_stopped_again() -> None:
    """Whoever recorded it may not have come to that."""
    s = up()
    tell(s, "p")
    assert tell(s, FOUND) == [Signal(SIGSTOP)]
    assert (s.state, s.paused) == (UP, True)


@pytest.mark.parametrize("make", [up, checking, finishing])
def test_what_is_found_goes_on(make) -> None:
    s = make()
    assert tell(s, FOUND) == []
    assert s.state == make.__name__


def test_one_that_was_found_stopping_is_told_again_as_nobody_knows_whether_it_was() -> None:
    s = stopping()
    tell(s, "p")
    assert tell(s, FOUND) == [STOP]
    assert (s.state, s.paused) == (STOPPING, False)


def test_leftovers_are_looked_for_again() -> None:
    s = leftovers()
    assert tell(s, FOUND) == [CLEAR]
    assert s.state == LEFTOVERS


def test_an_instance_that_ended_unseen_is_restarted_by_the_backoff() -> None:
    s = up()
    assert tell(s, LOST, CLEARED, FINISHED) == [CLEAR, FINISH]
    assert (s.state, s.failures) == (WAITING, 1)


def test_an_asked_death_that_nobody_saw_is_not_counted() -> None:
    s = up()
    tell(s, "t", LOST)
    assert s.failures == 0


def test_an_instance_that_was_never_begun_is_begun() -> None:
    s = up()
    assert tell(s, NEVER_BEGUN, PASSED) == [CHECK, START]
    assert s.failures == 0


def test_an_instance_that_was_never_begun_and_is_not_wanted_any_more_is_not() -> None:
    s = stopping()
    assert tell(s, NEVER_BEGUN) == []
    assert s.state == DOWN


@pytest.mark.parametrize("event", [LOST, NEVER_BEGUN])
def test_a_check_that_nobody_heard_is_asked_again(event) -> None:
    s = checking()
    assert tell(s, event) == [CHECK]
    assert s.state == CHECKING


@pytest.mark.parametrize("event", [LOST, NEVER_BEGUN])
def test_a_check_that_was_called_off_is_not_asked_again(event) -> None:
    s = checking()
    tell(s, "d")
    assert tell(s, event) == []
    assert (s.state, s.asked) == (DOWN, False)


def test_a_finish_that_ended_unseen_gave_no_verdict() -> None:
    s = finishing()
    tell(s, LOST)
    assert (s.state, s.failed) == (WAITING, False)


def test_a_finish_that_was_never_begun_is_run() -> None:
    s = finishing()
    assert tell(s, NEVER_BEGUN) == [FINISH]
    assert s.state == FINISHING


def test_a_deadline_outlives_the_supervisor() -> None:
    s = waiting()
    assert tell(s, FOUND) == []
    assert s.due == 1.0


@pytest.mark.parametrize("normally_up", [True, False])
def test_the_x_of_a_dead_supervisor_is_void_and_the_down_file_says_what_is_wanted(
    normally_up,
) -> None:
    s = up()
    tell(s, "o" if normally_up else "u", "x")
    machine.resume(s, normally_up)
    assert not s.exiting
    tell(s, FOUND, DIED, CLEARED, FINISHED)
    assert s.state == (WAITING if normally_up else DOWN)


@pytest.mark.parametrize("want", ["u", "o"])
def test_without_an_x_what_was_wanted_still_is(want) -> None:
    s = down()
    tell(s, want)
    before = s.want
    machine.resume(s, normally_up=False)
    assert (s.want, s.owed) == (before, True)
