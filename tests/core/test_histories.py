"""Random histories of one service, with its supervisor killed at any step of them."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from supervise.core import events
from supervise.core.situation import (
    CHECKING,
    FINISHING,
    GONE,
    NEVER,
    RUNNING,
    UP,
    WAITING,
    Situation,
)
from supervise.engine.ledger import situation_of
from supervise.protocol import letters, record
from tests.core.world import BACKOFF, World

STEPS = st.integers(0, 6)
KILLED_BEFORE = st.none() | STEPS
"""The step before which the supervisor is killed."""

WANTED = {"u": "up", "d": "down", "o": "once"}

JITTER = st.sampled_from([-1.0, 0.0, 0.3, 1.0])


def state_is(*states):
    return precondition(lambda self: self.world.situation.state in states)


def fields(situation: Situation) -> dict[str, object]:
    return {name: getattr(situation, name) for name in Situation.__slots__}


class Histories(RuleBasedStateMachine):
    @initialize(
        normally_up=st.booleans(),
        timeout=st.sampled_from([NEVER, 3.0]),
        tells=st.booleans(),
        doubtful=st.booleans(),
        steps=st.just(events.ALL_STEPS) | st.frozensets(st.sampled_from(sorted(events.ALL_STEPS))),
    )
    def taken_up(self, normally_up, timeout, tells, doubtful, steps):
        self.world = World(normally_up, timeout, tells, doubtful, steps)

    @rule(letter=st.sampled_from(sorted(letters.ALL)), killed=KILLED_BEFORE)
    def letter_comes(self, letter, killed):
        self.world.steps_left = killed
        self.world.happen(letter)

    @rule(letter=st.sampled_from(sorted(WANTED)))
    def order_comes(self, letter):
        self.world.happen(letter)
        s = self.world.situation
        assert s.want == WANTED[letter] or s.state == GONE

    @state_is(*RUNNING)
    @rule(letter=st.sampled_from("dkp"), killed=STEPS)
    def supervisor_is_killed_by_the_way(self, letter, killed):
        self.world.steps_left = killed
        self.world.happen(letter)

    @state_is(*RUNNING)
    @rule(killed=KILLED_BEFORE, jitter=JITTER)
    def instance_dies(self, killed, jitter):
        s = self.world.situation
        asked, failures, started_at = s.asked, s.failures, s.started_at
        self.world.steps_left = killed
        if self.world.dies(jitter):
            expected = backoff_by_the_book(asked, failures, self.world.now - started_at, jitter)
            assert (s.failures, s.start_at - self.world.now) == pytest.approx(expected)

    @rule()
    def life_goes_on(self):
        self.world.go_on()

    @rule(killed=STEPS)
    def life_goes_on_without_the_supervisor(self, killed):
        self.world.steps_left = killed
        self.world.go_on()

    @state_is(UP)
    @rule(killed=KILLED_BEFORE)
    def becomes_ready(self, killed):
        self.world.steps_left = killed
        self.world.happen(events.READY)

    @state_is(UP)
    @rule()
    def could_not_be_started(self):
        world = self.world
        if world.now == world.situation.started_at and not world.situation.paused:
            del world.alive[world.record.pid]
            world.record.pid = 0
            world.happen(events.NOT_STARTED)

    @state_is(CHECKING)
    @rule(killed=KILLED_BEFORE, kind=st.sampled_from([events.PASSED, events.REFUSED]))
    def check_ends(self, killed, kind):
        self.world.steps_left = killed
        self.world.helper_ends(kind)

    @state_is(FINISHING)
    @rule(killed=KILLED_BEFORE, code=st.sampled_from([0, 0, 1, 125]))
    def finish_ends(self, killed, code):
        self.world.steps_left = killed
        if self.world.helper_ends(events.FINISHED, code):
            s = self.world.situation
            assert s.state != CHECKING or s.start_at <= self.world.now

    @state_is(CHECKING, WAITING)
    @rule(killed=KILLED_BEFORE)
    def watched_path_changes(self, killed):
        self.world.steps_left = killed
        self.world.happen(events.CHANGED)

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 5.0, 12.0, 70.0]), killed=KILLED_BEFORE)
    def time_passes(self, seconds, killed):
        self.world.steps_left = killed
        self.world.wait(seconds)

    @rule()
    def forgotten_and_rebuilt(self):
        rebuilt = situation_of(record.unpack(self.world.disk))
        assert fields(rebuilt) == fields(self.world.situation)
        self.world.succeed()

    @rule()
    def fault_sets_it_aside(self):
        self.world.situation.held = True
        self.world.keep()
        self.world.succeed()

    @state_is(GONE)
    @rule(doubtful=st.booleans())
    def taken_up_afresh(self, doubtful):
        self.world.take_up(doubtful)

    @invariant()
    def is_as_it_must_be(self):
        if hasattr(self, "world"):
            self.world.steps_left = None
            self.world.check()

    def teardown(self):
        if hasattr(self, "world"):
            self.world.steps_left = None
            self.world.come_to_rest()


def backoff_by_the_book(
    asked: bool, failures: int, uptime: float, jitter: float
) -> tuple[int, float]:
    """The count after a death and the seconds until the next start, as the documentation says."""
    if asked:
        return 0 if uptime >= BACKOFF.reset else failures, 0.0
    if uptime >= BACKOFF.reset:
        return 0, 0.0
    if failures == 0:
        return 1, max(0.0, 1.0 - uptime)
    delay = min(BACKOFF.first * 2 ** (failures + 1 - 2), BACKOFF.max)
    return failures + 1, delay * (1 + 0.1 * jitter)


TestHistories = Histories.TestCase
