"""A model of the world around one service: processes, the disk and the time, as plain values.

It carries out what the machine answers in the engine's order, and its supervisor can be killed
before any step of that. A successor then goes on from what is on the disk.
"""

from supervise.core import events, machine
from supervise.core.backoff import Backoff
from supervise.core.events import Event, Signal, Steps
from supervise.core.situation import (
    CHECKING,
    DOWN,
    FINISHING,
    GONE,
    LEFTOVERS,
    NEVER,
    RUNNING,
    STOPPING,
    UP,
    WAITING,
    Situation,
)
from supervise.engine.ledger import enter, situation_of
from supervise.protocol import record
from supervise.protocol.record import Record

BACKOFF = Backoff(first=1.0, max=60.0, reset=10.0)
INSTANCE, CHECK, FINISH = "instance", "check", "finish"
HELPED = {CHECKING: CHECK, FINISHING: FINISH}
TIMES = {CHECKING, STOPPING, LEFTOVERS, FINISHING}


class KilledError(Exception):
    """The supervisor is no more."""


class World:
    """:param timeout: seconds of each deadline; NEVER: there is none.
    :param steps: those that the service has got.
    """

    def __init__(
        self, normally_up: bool, timeout: float, tells: bool, doubtful: bool, steps: Steps
    ) -> None:
        self.normally_up = normally_up
        self.timeout = timeout
        self.tells = tells
        self.steps = steps
        self.now = 1000.0
        self.alive: dict[int, tuple[str, bytes]] = {}
        self.told: set[int] = set()
        self.born = 0
        self.clearing = False
        self.disk = b""
        self.steps_left: int | None = None
        self.take_up(doubtful)

    # The supervisor

    def take_up(self, doubtful: bool = False) -> None:
        self.situation = Situation("up" if self.normally_up else "down")
        self.record = Record()
        self.happen(events.DOUBTFUL if doubtful else events.TAKEN_UP)

    def happen(self, kind: str, jitter: float = 0.0, code: int = 0) -> bool:
        """Whether the supervisor lived through it."""
        event = Event(kind, self.now, jitter, BACKOFF, code, self.tells)
        try:
            answer = machine.handle(self.situation, event)
            for action in machine.pass_over(self.situation, event, answer, self.steps):
                assert action not in events.ALL_STEPS - self.steps, "not passed over"
                self.carry_out(action)
            self.keep()
        except KilledError:
            self.succeed()
            return False
        return True

    def step(self) -> None:
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                self.steps_left = None
                raise KilledError

    def keep(self) -> None:
        self.step()
        self.disk = record.pack(enter(self.record, self.situation))

    def succeed(self) -> None:
        """A next supervisor takes over."""
        self.clearing = False
        if not self.disk:
            self.take_up()
            return
        self.record = record.unpack(self.disk)
        if self.record.ended == "stopped":
            self.take_up()
            return
        self.situation = situation_of(self.record)
        machine.resume(self.situation, self.normally_up)
        self.happen(self.what_became())

    def what_became(self) -> str:
        kept, state = self.record, self.situation.state
        if state in RUNNING:
            kept.pid, event = self.find(kept.pid, kept.nonce if kept.intent else b"")
            kept.intent = False
            if event == events.LOST:
                event = self.what_came_next()
        elif state in HELPED:
            kept.helper_pid, event = self.find(kept.helper_pid, kept.helper_nonce)
        else:
            event = events.FOUND
        return event

    def what_came_next(self) -> str:
        """What the takeover of the engine makes of a foretold instance."""
        kept, s = self.record, self.situation
        kept.pid, event = self.find(0, kept.next_nonce)
        if event != events.FOUND:
            return events.LOST
        kept.nonce, kept.next_nonce = kept.next_nonce, bytes(8)
        s.state, s.deadline, s.started_at = UP, NEVER, self.now
        s.asked = s.owed = s.paused = False
        return event

    def find(self, pid: int, nonce: bytes) -> tuple[int, str]:
        if pid:
            return (pid, events.FOUND) if pid in self.alive else (0, events.LOST)
        if not any(nonce):
            return 0, events.LOST
        for one, (_, its) in self.alive.items():
            if its == nonce:
                return one, events.FOUND
        return 0, events.NEVER_BEGUN

    # What it does

    def carry_out(self, action: str | Signal) -> None:
        self.step()
        s, kept = self.situation, self.record
        if isinstance(action, Signal) or action in (events.STOP, events.KILL):
            self.keep()
            self.step()
            assert kept.pid in self.alive, "signalled, but does not run"
            self.told.add(kept.pid)
            if action == events.STOP:
                s.deadline = self.deadline()
        elif action == events.START:
            self.start()
        elif action in (events.CHECK, events.FINISH):
            self.help(CHECK if action == events.CHECK else FINISH)
        elif action == events.CLEAR:
            self.clearing = True
            s.deadline = self.deadline()
        elif action == events.KILL_HELPER:
            assert kept.helper_pid in self.alive, "killed, but does not run"
            self.told.add(kept.helper_pid)
        elif action == events.FORGET:
            kept.ended = "stopped"
        else:
            assert action in (events.END_LEFTOVERS, events.KILL_LEFTOVERS), "an unknown action"

    def deadline(self) -> float:
        return NEVER if self.timeout == NEVER else self.now + self.timeout

    def start(self) -> None:
        s, kept = self.situation, self.record
        assert not self.alive, "started beside another process"
        assert not self.clearing, "started while leftovers are looked for"
        assert s.want != "down", "started, but wanted down"
        assert not s.held, "started, but held"
        assert not s.failed, "started, but failed"
        assert not s.exiting, "started, but given up"
        if self.foretold():
            kept.nonce = kept.next_nonce
        else:
            kept.nonce, kept.pid, kept.intent = self.nonce(), 0, True
            self.keep()
        kept.pid = self.spawn(INSTANCE, kept.nonce)
        kept.intent = False
        kept.next_nonce = self.nonce()

    def foretold(self) -> bool:
        """Whether the record on disk is that of a running instance, and tells of the next one."""
        if not self.disk:
            return False
        on_disk = record.unpack(self.disk)
        running = on_disk.state in RUNNING and on_disk.pid > 0
        return running and on_disk.next_nonce == self.record.next_nonce

    def help(self, kind: str) -> None:
        kept = self.record
        assert not self.alive, "a helper beside another process"
        self.situation.deadline = self.deadline()
        kept.helper_nonce, kept.helper_pid = self.nonce(), 0
        self.keep()
        kept.helper_pid = self.spawn(kind, kept.helper_nonce)

    def nonce(self) -> bytes:
        self.born += 1
        return self.born.to_bytes(8, "little")

    def spawn(self, kind: str, nonce: bytes) -> int:
        self.step()
        self.alive[self.born] = (kind, nonce)
        self.step()
        return self.born

    # What happens to it

    def runs(self, kind: str) -> bool:
        return any(its == kind for its, _ in self.alive.values())

    def dies(self, jitter: float = 0.0) -> bool:
        del self.alive[self.record.pid]
        self.record.pid = 0
        return self.happen(events.DIED, jitter)

    def helper_ends(self, kind: str, code: int = 0) -> bool:
        del self.alive[self.record.helper_pid]
        self.record.helper_pid, self.record.helper_nonce = 0, bytes(8)
        return self.happen(kind, code=code)

    def cleared(self) -> None:
        self.clearing = False
        self.happen(events.CLEARED)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        if self.situation.due != NEVER and self.situation.due <= self.now:
            self.happen(events.DUE)

    # What must be true of it

    def check(self) -> None:
        s = self.situation
        assert self.runs(INSTANCE) == (s.state in RUNNING)
        assert self.runs(CHECK) == (s.state == CHECKING)
        assert self.runs(FINISH) == (s.state == FINISHING)
        assert self.clearing == (s.state == LEFTOVERS)
        assert len(self.alive) <= 1, "two at a time"
        if s.state in RUNNING:
            assert self.record.pid in self.alive, "runs unknown"
        if s.state == STOPPING:
            assert self.record.pid in self.told, "stopping, but was not told to"
        if s.state == WAITING:
            assert s.owed
            assert not s.exiting
            assert 0 <= s.start_at <= self.now + BACKOFF.max * 1.1
        if s.state == DOWN:
            assert not s.may_start
            assert s.want != "up" or s.held, "wanted up, and down for good"
        if s.state == CHECKING and s.want == "down":
            assert self.record.helper_pid in self.told, "checks, but is wanted down"
        assert (s.state == GONE) == (self.record.ended == "stopped")
        valid(s)

    def go_on(self) -> None:
        """What comes next where nothing is in the way."""
        s = self.situation
        if s.state in RUNNING:
            self.dies()
        elif s.state == LEFTOVERS:
            self.cleared()
        elif s.state == FINISHING:
            self.helper_ends(events.FINISHED)
        elif s.state == CHECKING:
            killed = self.record.helper_pid in self.told
            self.helper_ends(events.REFUSED if killed else events.PASSED)
        elif s.state == WAITING:
            self.wait(max(0.0, s.due - self.now))
        elif s.state == DOWN:
            self.happen("u")
        else:
            self.take_up()

    def come_to_rest(self) -> None:
        """All goes well from here on, and whoever is told to end ends."""
        for _ in range(20):
            self.check()
            if self.situation.state in (DOWN, UP, GONE):
                break
            self.go_on()
        s = self.situation
        assert s.state in (DOWN, UP, GONE), "it never comes to rest"
        assert s.want != "up" or s.held or s.exiting or s.state == UP


def valid(s: Situation) -> None:
    """What holds of every situation, whatever happened."""
    running = s.state in RUNNING
    assert not s.asked or running or s.state in HELPED
    assert not s.paused or running
    assert s.readiness == "untold" or running
    assert s.deadline == NEVER or s.state in TIMES
    assert not (s.failed and s.want != "down")
    assert not s.exiting or s.state not in (DOWN, WAITING)
