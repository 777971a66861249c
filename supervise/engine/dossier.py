"""What we hold of one service: where it is, what is wanted, and the record that outlives us."""

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial

from supervise.core import events
from supervise.core.events import ALL_STEPS, Event, Steps
from supervise.core.situation import NEVER, RUNNING
from supervise.engine import ledger
from supervise.engine.checked import NoRoomError, UnusableError, identity_at
from supervise.engine.complaints import Complaints
from supervise.engine.directory import SuperviseDirectory
from supervise.engine.heritage import Here, Heritage
from supervise.engine.host import Host, jitter, now
from supervise.engine.knobs import Knobs
from supervise.engine.loop import Alarm
from supervise.engine.messages import legible
from supervise.engine.place import Place
from supervise.engine.posix_spawn import FileAction
from supervise.engine.spawn import Program
from supervise.engine.takeover import inherit, take_over_in_place
from supervise.protocol import record, status, tai64n
from supervise.protocol.errors import text
from supervise.protocol.handover import HandedService
from supervise.protocol.record import MOST_DEATHS, Death

_AGAIN = 1.0
"""Seconds until what could not be written is tried again."""

_COUNTED = frozenset((events.DIED, events.LOST, events.REFUSED, events.NOT_STARTED))
"""What may be a failure, so that the backoff is asked for."""


class Dossier:
    """:raises UnusableError: where the service directory cannot be supervised."""

    __slots__ = (
        "_again",
        "_complaints",
        "_death",
        "_foretold",
        "_state_written",
        "_status_due",
        "_status_written",
        "heritage",
        "host",
        "knobs",
        "place",
        "record",
        "situation",
        "supervise",
    )

    def __init__(self, host: Host, place: Place) -> None:
        self.host = host
        self.place = place
        self.knobs = Knobs(place.path, place.name, self.complain, self.mended)
        self._complaints = Complaints()
        self._state_written = 0
        self._status_written = self._foretold = b""
        self._death: Callable[[], None] | None = None
        self._status_due = False
        self._again: Alarm | None = None
        handed = host.heir.claim(place.identity)
        self.supervise = SuperviseDirectory(place.path, place.name, handed)
        try:
            host.news.locked()
            self.inherit(handed)
        except BaseException:
            self.supervise.close()
            raise

    def inherit(self, handed: HandedService | None) -> None:
        """Go by what was handed over, or by what is on disk.

        :raises UnusableError: where that cannot be read, or nothing can be written.
        """
        if handed is not None:
            heritage = take_over_in_place(handed)
        else:
            place, host = self.place, self.host
            here = Here(
                *place.identity,
                host.boot,
                place.normally_up(),
                blamed=bool(host.handling.blamed_step(place.identity)),
                begun_opened=self.supervise.begun_opened(),
                finishes=self.knobs.has(b"finish"),
                stray=partial(host.strays.pid_in, place.identity),
            )
            heritage = inherit(self.supervise.read_record(), self.supervise.read_status(), here)
        self.heritage: Heritage | None = heritage
        self.situation, self.record = heritage.situation, heritage.record
        if heritage.remark:
            self.record.reason = heritage.remark
            self.complain("heritage", heritage.remark)
        if handed is None:
            self.supervise.write_record(self._packed())
        else:
            self.keep()  # what was handed over is gone on with, whatever happened to its directory

    def follow(self, place: Place) -> None:
        """The service directory is at another place now."""
        self.place = place
        self.knobs.follow(place.path, place.name)
        self.supervise.follow(place.path, place.name)

    @property
    def name(self) -> str:
        return legible(self.place.name)

    @property
    def removed(self) -> bool:
        """The service directory: nothing can be started or written in it any more."""
        removed = self.supervise.removed
        return removed and identity_at(self.place.path) != self.place.identity

    @property
    def running(self) -> bool:
        return self.situation.state in RUNNING

    def happening(self, kind: str, code: int = 0) -> Event:
        """An event of now, with all that the machine may ask for."""
        tells = kind == events.PASSED and self.knobs.notification_fd() is not None
        if kind not in _COUNTED:
            return Event(kind, now(), code=code, tells=tells)
        return Event(kind, now(), jitter(), self.knobs.backoff(), code, tells)

    def steps(self) -> Steps:
        """Those that the service has got, and all where one may have to say that it is mended."""
        return ALL_STEPS if self._complaints else self.knobs.steps()

    def give_time(self, seconds: float | None) -> None:
        """Set the deadline; None: never."""
        self.situation.deadline = NEVER if seconds is None else now() + seconds

    def give_time_once(self, seconds: float | None) -> None:
        """Set the deadline, unless it is set: what is asked again, by a successor or by a second
        `d`, does not put it off."""
        if self.situation.deadline == NEVER:
            self.give_time(seconds)

    def program(
        self, command: tuple[bytes, ...], nonce: bytes, files: Sequence[FileAction]
    ) -> Program:
        """One that is to be started in the service directory."""
        return Program(self.place.path, self.place.identity, command, nonce, files)

    def note_death(self, exit_status: int) -> None:
        """Of the instance: an exit code, the negative number of a signal, or UNKNOWN.

        What comes first is the next start, which may need nothing of it.
        """
        self.mended("heritage")
        up = max(0.0, now() - self.situation.started_at)
        asked = self.situation.asked
        self._death = partial(self._enter_death, time.time_ns(), up, exit_status, asked)

    def record_death(self) -> None:
        """Enter it into the record, if that was not done yet."""
        if self._death is not None:
            enter, self._death = self._death, None
            enter()

    def _enter_death(self, when: int, up: float, exit_status: int, asked: bool) -> None:
        self.record.since = tai64n.pack(when)
        death = Death(self.record.since, up, exit_status, asked)
        self.record.deaths = (death, *self.record.deaths[: MOST_DEATHS - 1])
        self.record.pid = self.record.ticks = 0

    # On disk

    @property
    def foretold(self) -> bool:
        """Whether the record on disk is that of a running instance, and tells of the next one."""
        return any(self.record.next_nonce) and self._foretold == self.record.next_nonce

    def keep(self) -> None:
        """Write the record, where it has changed; where it cannot be written, a little later."""
        with contextlib.suppress(NoRoomError):
            self.keep_intent()

    def keep_intent(self) -> None:
        """As `keep`, before a start that no other record tells of: if it is not written, and we are
        killed, the next supervisor does it once more. A disk that is broken is no reason not to
        start; a want that will pass is.

        :raises NoRoomError: where it could not be written for want of memory or of descriptors.
        """
        self.record_death()
        data = self._packed()
        known_by = hash(data)  # of 64 bits, where the record itself would take a kilobyte
        if known_by == self._state_written:
            return
        try:
            self._write_record(data)
            self._state_written = known_by
            self._foretold = self.record.next_nonce if self.running and self.record.pid else b""
            self.mended("state")
        except UnusableError as error:
            self._unwritten("state", str(error))
            if isinstance(error, NoRoomError):
                raise

    def _write_record(self, data: bytes) -> None:
        try:
            self.supervise.write_record(data)
        except UnusableError:
            self.supervise.write_record(data)  # what fails once goes well at once, mostly

    def _packed(self) -> bytes:
        self.record.warnings = self._complaints.warnings()
        return record.pack(ledger.enter(self.record, self.situation))

    def show(self) -> None:
        """Write the classic status soon: people read it, and a restart comes first."""
        if not self._status_due:
            self._status_due = True
            self.host.loop.later(self._write_due_status)

    def _write_due_status(self) -> None:
        if self._status_due:
            self.write_status()

    def write_status(self) -> None:
        """Write the classic status, where it has changed."""
        self._write_status(self.supervise.write_status)

    def end(self) -> None:
        """Write what is to be found afterwards."""
        self.keep()
        self._write_status(self.supervise.write_last_status)

    def _write_status(self, write: Callable[[bytes], None]) -> None:
        self._status_due = False
        data = status.pack(
            self.record.since, self.record.pid, self.situation.paused, self.situation.want
        )
        if data == self._status_written:
            return
        try:
            write(data)
            self._status_written = data
            self.mended("status")
            self.host.news.changed()
        except (OSError, UnusableError) as error:
            why = text(error) if isinstance(error, OSError) else error
            self._unwritten("status", f"unable to write {self.name}/supervise/status: {why}")

    def _unwritten(self, subject: str, what: str) -> None:
        """It is written as soon as it can be, also when nothing happens. Never, where its directory
        was removed, or has been let go of."""
        if self.removed or self.supervise.control < 0:
            return
        if subject == "state" or "state" not in self._complaints:  # one line tells of one cause
            self.complain(subject, what)
        if self._again is None:
            self._again = self.host.loop.alarm(self._write_again)
        self.host.loop.set(self._again, now() + _AGAIN)

    def _write_again(self) -> None:
        self.keep()
        self.write_status()

    # In words

    def warn(self, what: str) -> None:
        """To standard error."""
        self.host.say("supervise", f"warning: {self.name}: {what}")

    def complain(self, subject: str, what: str) -> None:
        """As `warn`, but once, until it was mended or there is another one about this subject."""
        if self._complaints.news(subject, what):
            self.warn(what)

    def failed(self, subject: str, reason: str) -> None:
        """As `complain`; also the reason that is shown."""
        self.record.reason = reason
        if self._complaints.news(subject, reason):
            self.host.say("supervise", f"fatal: {reason}")

    def mended(self, subject: str) -> None:
        """There is nothing to complain of, for now."""
        self._complaints.mended(subject)

    def tell_again(self) -> None:
        """Somebody is there who wants to know: what is wrong still is news again."""
        self._complaints.clear()
        self.knobs.check()

    def close(self) -> None:
        if self._again is not None:
            self.host.loop.set(self._again, NEVER)
        self.supervise.close()
