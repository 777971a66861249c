"""What the control letters do, in the words of daemontools 0.76 where it has them."""

import signal

import pytest

from supervise.core.events import (
    CHECK,
    CLEARED,
    DIED,
    DUE,
    FINISH,
    FINISHED,
    FORGET,
    KILL_HELPER,
    KILL_LEFTOVERS,
    NOT_STARTED,
    PASSED,
    REFUSED,
    SIGCONT,
    SIGSTOP,
    START,
    STOP,
    TAKEN_UP,
    Signal,
)
from supervise.core.situation import (
    CHECKING,
    DOWN,
    GONE,
    STOPPING,
    UP,
    WAITING,
    Situation,
)
from supervise.protocol import letters
from tests.core.telling import (
    EMPTY_HANDED,
    MAKERS,
    checking,
    down,
    finishing,
    gone,
    leftovers,
    stopping,
    tell,
    up,
    waiting,
)

# u


def test_u_in_down_starts() -> None:
    s = down()
    assert tell(s, "u") == [CHECK]
    assert tell(s, PASSED) == [START]
    assert (s.state, s.want) == (UP, "up")


def test_u_in_waiting_starts_at_once_and_zeroes_the_count() -> None:
    s = waiting()
    assert s.failures == 1
    assert tell(s, "u") == [CHECK]
    assert s.failures == 0


def test_u_in_up_only_says_what_is_wanted() -> None:
    s = up()
    assert tell(s, "o", "u") == []
    assert (s.state, s.want) == (UP, "up")


@pytest.mark.parametrize("make", [make for make in MAKERS if make is not gone])
@pytest.mark.parametrize(("letter", "want"), [("u", "up"), ("d", "down"), ("o", "once")])
def test_the_last_letter_says_what_is_wanted(make, letter, want) -> None:
    s = make()
    tell(s, "d" if letter == "o" else "o", letter)
    assert s.want == want


@pytest.mark.parametrize("make", [leftovers, finishing])
def test_u_after_a_death_starts_without_a_delay(make) -> None:
    s = make()
    tell(s, "d", "u")
    assert CHECK in tell(s, CLEARED, FINISHED)


# d


def test_d_in_up_stops_and_does_not_start_again() -> None:
    s = up()
    assert tell(s, "d") == [STOP]
    assert s.state == STOPPING
    tell(s, DIED, CLEARED, FINISHED)
    assert s.state == DOWN


def test_d_in_waiting_calls_the_start_off() -> None:
    s = waiting()
    assert tell(s, "d") == []
    assert s.state == DOWN
    assert tell(s, DUE, now=100.0) == []


def test_d_in_checking_kills_the_check() -> None:
    s = checking()
    assert tell(s, "d") == [KILL_HELPER]
    assert tell(s, REFUSED) == []
    assert (s.state, s.failures) == (DOWN, 0)


def test_d_in_checking_holds_even_if_the_check_has_passed() -> None:
    s = checking()
    assert tell(s, "d", PASSED) == [KILL_HELPER]
    assert s.state == DOWN


def test_d_in_checking_says_nothing_of_a_later_check() -> None:
    s = checking()
    tell(s, "d", PASSED, "u", REFUSED)
    assert (s.state, s.failures) == (WAITING, 1)


@pytest.mark.parametrize("letter", "uo")
def test_d_and_then_a_start_in_checking_checks_again_at_once(letter) -> None:
    s = checking()
    tell(s, "d", letter)
    assert tell(s, REFUSED) == [CHECK]
    assert (s.state, s.failures) == (CHECKING, 0)


def test_d_and_u_in_checking_say_nothing_of_the_instance_that_starts_then() -> None:
    s = checking()
    assert tell(s, "d", "u", PASSED) == [KILL_HELPER, START]
    assert not s.owed
    tell(s, DIED)
    assert s.failures == 1


@pytest.mark.parametrize("make", [leftovers, finishing])
def test_d_after_a_death_keeps_it_down(make) -> None:
    s = make()
    tell(s, "d", CLEARED, FINISHED)
    assert s.state == DOWN


def test_d_lets_a_paused_instance_go_on_to_its_end() -> None:
    s = up()
    tell(s, "p")
    assert tell(s, "d") == [STOP]
    assert not s.paused


def test_d_in_stopping_stops_once_more() -> None:
    assert tell(stopping(), "d") == [STOP]


def test_du_restarts() -> None:
    s = up()
    tell(s, "d", "u")
    assert s.state == STOPPING
    assert tell(s, DIED, CLEARED, FINISHED)[-1] == CHECK


# o


def test_o_in_down_starts_once() -> None:
    s = down()
    assert tell(s, "o", PASSED) == [CHECK, START]
    tell(s, DIED, CLEARED, FINISHED)
    assert (s.state, s.want) == (DOWN, "once")


def test_o_in_up_lets_it_run_but_not_start_again() -> None:
    s = up()
    assert tell(s, "o") == []
    tell(s, DIED, CLEARED, FINISHED)
    assert s.state == DOWN


@pytest.mark.parametrize("make", [leftovers, finishing])
def test_o_after_a_death_starts_once(make) -> None:
    s = make()
    tell(s, "o")
    assert tell(s, CLEARED, FINISHED, PASSED)[-2:] == [CHECK, START]
    tell(s, DIED, CLEARED, FINISHED)
    assert s.state == DOWN


def test_o_while_finishing_after_d_starts_once() -> None:
    s = finishing()
    tell(s, "d", "o")
    assert tell(s, FINISHED) == [CHECK]


def test_o_is_done_with_one_start_that_failed() -> None:
    s = down()
    tell(s, "o", PASSED, NOT_STARTED)
    assert s.state == DOWN


def test_o_is_done_with_one_check_that_refused() -> None:
    s = down()
    tell(s, "o", REFUSED)
    assert s.state == DOWN


# x


@pytest.mark.parametrize("make", [down, waiting])
def test_x_ends_at_once_where_nothing_runs(make) -> None:
    s = make()
    assert tell(s, "x") == [FORGET]
    assert s.state == GONE


def test_x_in_up_ends_at_the_death_even_if_wanted_up() -> None:
    s = up()
    assert tell(s, "x") == []
    assert (s.state, s.want) == (UP, "up")
    assert tell(s, DIED, CLEARED, FINISHED)[-2:] == [FINISH, FORGET]


def test_u_after_x_does_not_take_it_back() -> None:
    s = up()
    tell(s, "x", "u", DIED, CLEARED, FINISHED)
    assert s.state == GONE


@pytest.mark.parametrize("order", ["dx", "xd"])
def test_dx_stops_and_ends(order) -> None:
    s = up()
    assert tell(s, *order) == [STOP]
    tell(s, DIED, CLEARED, FINISHED)
    assert s.state == GONE


def test_x_in_checking_kills_the_check_and_ends() -> None:
    s = checking()
    assert tell(s, "x") == [KILL_HELPER]
    assert tell(s, REFUSED) == [FORGET]


def test_x_in_checking_holds_even_if_the_check_has_passed() -> None:
    assert tell(checking(), "x", PASSED) == [KILL_HELPER, FORGET]


@pytest.mark.parametrize("make", [leftovers, finishing])
def test_x_after_a_death_ends_when_all_is_done(make) -> None:
    s = make()
    assert tell(s, "x") == []
    assert tell(s, CLEARED, FINISHED)[-1] == FORGET


@pytest.mark.parametrize("letter", sorted(letters.ALL))
def test_every_letter_is_nothing_to_one_that_is_gone(letter) -> None:
    assert tell(gone(), letter) == []


# Signals

SIGNALS = {
    "h": signal.SIGHUP,
    "i": signal.SIGINT,
    "q": signal.SIGQUIT,
    "k": signal.SIGKILL,
    "1": signal.SIGUSR1,
    "2": signal.SIGUSR2,
    "a": signal.SIGALRM,
    "t": signal.SIGTERM,
    "w": signal.SIGWINCH,
}


@pytest.mark.parametrize("make", [up, stopping])
@pytest.mark.parametrize(("letter", "number"), SIGNALS.items())
def test_a_signal_goes_to_the_instance(make, letter, number) -> None:
    s = make()
    assert tell(s, letter) == [Signal(number)]
    assert s.state == make.__name__


@pytest.mark.parametrize("make", EMPTY_HANDED)
@pytest.mark.parametrize("letter", sorted({*SIGNALS, "p", "c"} - {"k"}))
def test_a_signal_is_nothing_where_no_instance_runs(make, letter) -> None:
    """`t` in waiting, for one."""
    s = make()
    assert tell(s, letter) == []
    assert (s.state, s.paused, s.asked) == (make.__name__, False, False)


def test_p_and_c_pause_and_continue() -> None:
    s = up()
    assert tell(s, "p") == [Signal(SIGSTOP)]
    assert s.paused
    assert tell(s, "c") == [Signal(SIGCONT)]
    assert not s.paused


def test_a_new_instance_is_not_paused() -> None:
    s = up()
    tell(s, "p", DIED)
    assert not s.paused
    tell(s, CLEARED, FINISHED, "u", PASSED)
    assert (s.state, s.paused) == (UP, False)


@pytest.mark.parametrize("letter", "tkiqd")
def test_a_death_that_was_asked_for_is_not_counted(letter) -> None:
    s = waiting()
    tell(s, "u", PASSED, letter, DIED, now=0.5)
    assert (s.failures, s.start_at) == (0, 0.5)


@pytest.mark.parametrize("letter", "hpc12aw")
def test_a_death_after_another_letter_is_counted(letter) -> None:
    s = up()
    tell(s, letter, DIED)
    assert s.failures == 1


def test_t_restarts_at_once_as_often_as_it_is_asked() -> None:
    s = up()
    for _ in range(100):
        assert tell(s, "t", DIED, CLEARED, FINISHED, PASSED)[-2:] == [CHECK, START]
    assert s.failures == 0


def test_asked_is_said_of_one_death_only() -> None:
    s = up()
    tell(s, "t", DIED, CLEARED, FINISHED, PASSED, DIED)
    assert s.failures == 1


def test_a_long_life_zeroes_the_count_whatever_ended_it() -> None:
    s = waiting()
    tell(s, DUE, PASSED, now=1.0)
    assert s.failures == 1
    tell(s, "t", DIED, now=100.0)
    assert s.failures == 0


def test_a_short_life_that_t_ended_leaves_the_count_as_it_is() -> None:
    s = waiting()
    tell(s, DUE, PASSED, "t", DIED, now=1.0)
    assert (s.failures, s.start_at) == (1, 1.0)


# k, where a helper or leftovers can be meant


def test_k_in_leftovers_kills_them() -> None:
    assert tell(leftovers(), "k") == [KILL_LEFTOVERS]


def test_k_while_finishing_kills_finish() -> None:
    assert tell(finishing(), "k") == [KILL_HELPER]


def test_k_in_checking_has_it_checked_again_at_once() -> None:
    s = checking()
    assert tell(s, "k") == [KILL_HELPER]
    assert tell(s, REFUSED) == [CHECK]
    assert s.failures == 0


def test_k_in_checking_is_said_of_one_check_only() -> None:
    s = checking()
    tell(s, "k", REFUSED, REFUSED)
    assert (s.state, s.failures) == (WAITING, 1)


@pytest.mark.parametrize("make", [down, waiting, gone])
def test_k_is_nothing_where_nothing_runs(make) -> None:
    assert tell(make(), "k") == []


# Held


def doubtful() -> Situation:
    s = Situation("up")
    tell(s, "doubtful")
    return s


def test_doubtful_is_held() -> None:
    s = doubtful()
    assert (s.state, s.held) == (DOWN, True)
    assert tell(s, TAKEN_UP, "d", "t", DUE, now=1000.0) == []


@pytest.mark.parametrize("letter", "uo")
def test_doubtful_is_held_until_u_or_o(letter) -> None:
    s = doubtful()
    assert tell(s, letter, PASSED) == [CHECK, START]
    assert not s.held


def test_doubtful_can_be_given_up() -> None:
    assert tell(doubtful(), "x") == [FORGET]


@pytest.mark.parametrize("make", [make for make in MAKERS if make is not gone])
def test_what_a_fault_set_aside_does_not_start_until_u(make) -> None:
    s = make()
    s.held = True
    actions = tell(s, DUE, PASSED, DIED, CLEARED, FINISHED, TAKEN_UP, DUE, now=1000.0)
    assert not {CHECK, START} & set(actions)
    assert s.state == DOWN
    assert tell(s, "u") == [CHECK]
