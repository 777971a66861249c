"""The table as a whole: total, and nothing outside of its words comes out."""

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervise.core import events, machine, situation
from supervise.core.events import Event, Signal
from supervise.core.situation import CHECKING, GONE, NEVER, RUNNING, STATES, Situation
from supervise.engine.ledger import enter, situation_of
from supervise.protocol import letters, record, status
from supervise.protocol.record import READINESS, WANTS, Record
from tests.core.telling import MAKERS

ACTIONS = {
    events.START,
    events.STOP,
    events.KILL,
    events.CHECK,
    events.CLEAR,
    events.FINISH,
    events.KILL_HELPER,
    events.END_LEFTOVERS,
    events.KILL_LEFTOVERS,
    events.FORGET,
}
FLAGS = ("owed", "exiting", "failed", "held", "paused", "asked")


def fields(s: Situation) -> dict[str, object]:
    return {name: getattr(s, name) for name in Situation.__slots__}


def all_situations() -> Iterator[Situation]:
    """Also those that no history leads to."""
    for state, want, *flags in product(STATES, WANTS, *[(False, True)] * len(FLAGS)):
        s = Situation(want)
        s.state = state
        s.started_at, s.start_at = 95.0, 101.0
        for name, flag in zip(FLAGS, flags, strict=True):
            setattr(s, name, flag)
        yield s


def check_answer(before: dict[str, object], s: Situation, event: Event, actions: object) -> None:
    assert isinstance(actions, list)
    for action in actions:
        assert isinstance(action, Signal) or action in ACTIONS
    assert fields(situation_of(enter(Record(), s))) == fields(s)
    assert fields(situation_of(record.unpack(record.pack(enter(Record(), s))))) == fields(s)
    assert (events.FORGET in actions) == (s.state == GONE != before["state"])
    if events.START in actions:
        assert before["state"] == CHECKING
        assert event.kind == events.PASSED
        assert before["owed"]
        assert not before["exiting"]
        assert not before["held"]
    if before["want"] == "down" and not before["owed"] and event.kind not in ("u", "o"):
        assert events.CHECK not in actions, "wanted down, and on its way up"
    if before["state"] == GONE:
        assert actions == []
        assert fields(s) == before


@pytest.mark.parametrize("kind", machine.EVENTS)
def test_every_event_has_an_answer_in_every_situation(kind: str) -> None:
    for s in all_situations():
        before = fields(s)
        event = Event(kind, 100.0)
        check_answer(before, s, event, machine.handle(s, event))


times = st.just(NEVER) | st.floats(0, 1e9)


@given(
    st.sampled_from(machine.EVENTS),
    st.sampled_from(STATES),
    st.integers(0, 2**31),
    st.tuples(times, times, times, times),
    st.tuples(st.floats(-1, 1), st.floats(0.1, 1e9), st.floats(0.1, 1e9), st.floats(0, 1e9)),
    st.integers(-256, 255),
)
def test_whatever_the_numbers_are(kind, state, failures, moments, knobs, code) -> None:
    s = Situation("up")
    s.state, s.failures = state, failures
    s.started_at, s.start_at, s.deadline, now = moments
    before = fields(s)
    jitter, first, most, reset = knobs
    event = Event(kind, now, jitter, events.Backoff(first, most, reset), code)
    check_answer(before, s, event, machine.handle(s, event))
    assert s.due == NEVER or s.due >= 0


def test_an_unknown_event_is_an_error() -> None:
    with pytest.raises(KeyError):
        machine.handle(Situation("up"), Event("z", 0.0))


def test_every_row_has_a_cell_for_every_state() -> None:
    assert {len(row) for row in machine.TABLE.values()} == {len(STATES)}


def test_every_letter_is_an_event() -> None:
    assert set(machine.EVENTS) >= letters.ALL


def test_every_other_event_is_a_word_of_more_than_one_letter() -> None:
    assert all(len(kind) > 1 for kind in set(machine.EVENTS) - letters.ALL)


@pytest.mark.parametrize("make", MAKERS)
def test_the_makers_of_situations_make_what_they_say(make) -> None:
    assert make().state == make.__name__


# Core and protocol use the same words


def test_core_and_protocol_have_the_same_states() -> None:
    assert STATES == record.STATES
    assert set(STATES) >= RUNNING


def test_core_and_protocol_have_the_same_wants() -> None:
    found = set()
    for letter in "udo":
        s = Situation("up")
        machine.handle(s, Event(letter, 0.0))
        found.add(s.want)
    assert found == set(WANTS) == {status.UP, status.DOWN, status.ONCE}


def test_core_and_protocol_have_the_same_words_for_readiness() -> None:
    found = {Situation("up").readiness}
    for tells in False, True:
        s = Situation("up")
        for kind in events.TAKEN_UP, events.PASSED, events.READY:
            machine.handle(s, Event(kind, 0.0, tells=tells))
            found.add(s.readiness)
    assert found == set(READINESS) - {"unknown"}


def test_no_deadline_is_the_same_in_core_and_protocol() -> None:
    assert situation.NEVER == record.NEVER


def test_all_of_the_situation_is_in_the_record() -> None:
    assert set(Situation.__slots__) <= set(Record.__slots__)
