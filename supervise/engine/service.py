"""One service: gives the machine its events, and carries out what it answers.

The order of things is what makes the supervisor disposable: what is meant is recorded before it is
done, and status, which only people read, is written after.
"""

import contextlib
from collections.abc import Callable

from supervise.core import events, machine
from supervise.core.situation import CHECKING, DOWN, GONE, LEFTOVERS, NEVER, UP, WAITING
from supervise.engine.clearing import Clearing
from supervise.engine.dossier import Dossier
from supervise.engine.faults import place_of
from supervise.engine.guard import Guard, GuardedHost
from supervise.engine.helper import Helper
from supervise.engine.heritage import Heritage
from supervise.engine.host import Host, now
from supervise.engine.instance import Instance, Pipes
from supervise.engine.letterbox import Letterbox
from supervise.engine.place import Place
from supervise.engine.turns import Turns
from supervise.engine.watched import Watched
from supervise.protocol import letters
from supervise.protocol.handover import HandedService


class Service:
    """:param gone: called when supervision has ended, after all has been let go.
    :raises UnusableError, OSError: where the directory cannot be supervised.
    """

    __slots__ = (
        "_alarm",
        "_aside",
        "_clearing",
        "_dossier",
        "_gone",
        "_guard",
        "_helper",
        "_instance",
        "_letterbox",
        "_trouble",
        "_turns",
        "_watched",
        "place",
    )

    def __init__(
        self, host: Host, place: Place, pipes: Pipes, gone: Callable[["Service"], None]
    ) -> None:
        self.place = place
        self._gone = gone
        self._guard = guard = Guard(self._set_aside, host.handling, place.identity)
        host = GuardedHost(host, guard)
        self._dossier = Dossier(host, place)
        self._dossier.record.logged = pipes.stdout >= 0
        self._turns = Turns(host.spawner, self._answer, self._all_answered, self._set_aside)
        self._instance = Instance(self._dossier, pipes, self._tell, self._turns.spawn)
        self._helper = Helper(self._dossier, pipes, self._tell, self._finished, self._turns.spawn)
        self._clearing = Clearing(self._dossier, self._cleared)
        self._watched = Watched(self._dossier, self._changed)
        self._alarm = host.loop.alarm(self._due)
        self._aside = False
        self._trouble: OSError | None = None
        self._letterbox: Letterbox | None = None
        try:
            guard(self._go_on)()
            if self._trouble is not None:
                raise self._trouble
            if not self.is_gone:
                self._dossier.supervise.announce()
                self._letterbox = Letterbox(self._dossier, self._turns, self.order)
        except Exception:
            self.leave()
            raise

    @property
    def running(self) -> bool:
        return self._dossier.running

    @property
    def is_gone(self) -> bool:
        """Maybe at once: it was to end with its instance, which has died while nobody watched."""
        return self._dossier.situation.state == GONE

    @property
    def removed(self) -> bool:
        return self._dossier.removed

    @property
    def description(self) -> str:
        pid = self._dossier.record.pid
        return f"{self._dossier.name} ({self._dossier.situation.state}, pid {pid})"

    def follow(self, place: Place) -> None:
        """Its directory was moved, or is called by another name."""
        self.place = place
        self._dossier.follow(place)

    def _go_on(self) -> None:
        """From where an earlier supervisor stopped."""
        dossier = self._dossier
        heritage, dossier.heritage = dossier.heritage, None
        if heritage is None:
            return
        if dossier.record.alone:
            self._leave_alone(heritage)
            return
        if heritage.process is not None:
            part = self._instance if dossier.running else self._helper
            part.adopt(heritage.process, heritage.handed)
        elif dossier.situation.state == LEFTOVERS:
            self._instance.keep_leader()
        elif dossier.running and heritage.event == events.LOST and dossier.record.pid:
            self._instance.lost()
        self._tell(heritage.event)
        if dossier.situation.state in (WAITING, CHECKING) and self._watched.begin_once():
            self._tell(events.CHANGED)  # it may have, while nobody watched
        if not self.is_gone:
            dossier.write_status()  # who sees `ok` opens it

    def hand_over(self) -> HandedService:
        """All of it, for our newer self."""
        dossier = self._dossier
        dossier.keep()
        dossier.write_status()
        descriptors = dossier.supervise.descriptors
        descriptors |= self._helper.descriptors | self._instance.descriptors
        return HandedService(dossier.record, said=self._helper.said, **descriptors)

    # What happens

    def order(self, asked: str) -> None:
        """Serve these control letters, one after the other."""
        if self._aside and letters.EXIT in asked:
            self._let_go()
            return
        if letters.UP in asked or letters.ONCE in asked:
            if self._dossier.record.alone:
                self._try_again()
            self._dossier.tell_again()
        self._feed([events.Event(letter, now()) for letter in asked])

    def _tell(self, kind: str) -> None:
        self._feed([self._dossier.happening(kind)])

    def _finished(self, exit_status: int) -> None:
        self._feed([self._dossier.happening(events.FINISHED, code=exit_status)])

    def _due(self) -> None:
        self._tell(events.DUE)

    def _changed(self) -> None:
        self._tell(events.CHANGED)

    def _feed(self, happened: list[events.Event]) -> None:
        if self._aside:
            self._show()
        else:
            self._turns.feed(happened)

    def _answer(self, event: events.Event) -> None:
        """Give it to the machine, and carry out what that answers."""
        situation = self._dossier.situation
        actions = machine.handle(situation, event)
        if actions and actions[-1] in events.ALL_STEPS:
            steps = self._dossier.steps()
            if events.CLEAR in actions and events.CLEAR not in steps:
                self._instance.release()
            actions = machine.pass_over(situation, event, actions, steps)
        for action in actions:
            if isinstance(action, events.Signal):
                self._instance.send(action.number)
            else:
                _ACTIONS[action](self)
        # Also while a start is awaited: the deadline of what was before must not ring then.
        self._dossier.host.loop.set(self._alarm, situation.due)

    def _all_answered(self) -> None:
        """Keep the outcome."""
        dossier = self._dossier
        dossier.knobs.look_again()
        if self._aside:
            self._show()
            return
        if self.is_gone:
            return
        self._guard.got_on(dossier.record.starts)
        dossier.keep()
        dossier.show()
        if dossier.situation.state not in (WAITING, CHECKING):
            self._watched.end()
        if dossier.situation.state in (UP, DOWN):
            self._guard.well()

    def _set_aside(self, error: Exception) -> None:
        """A fault of ours. This one service is left as it is; clients still get an answer."""
        if self._aside:
            return
        if self._letterbox is None and isinstance(error, OSError):
            self._trouble = error  # no fault: it is to be taken up again
            return
        self._aside = True
        self._turns.forget()
        reason = f"supervisor fault, set aside: {error!r} in {place_of(error)}"
        self._dossier.record.reason = reason
        self._dossier.situation.held = True
        self._dossier.host.say("supervise", f"fatal: {self._dossier.name}: {reason}")
        self._show()

    def _show(self) -> None:
        """What can be said of a service that was set aside: that, and whether its process lives."""
        with contextlib.suppress(Exception):
            self._dossier.keep()
            self._dossier.write_status()

    def _leave_alone(self, heritage: Heritage) -> None:
        """What ended two supervisors is not to end a third one."""
        self._aside = True
        if heritage.process is not None:
            self._instance.adopt(heritage.process, heritage.handed)
        elif self._dossier.running and self._dossier.record.pid:
            self._instance.lost()
        step = self._dossier.host.handling.blamed_step(self.place.identity)
        if step:
            self._dossier.record.reason = (
                f"left alone: two supervisors in a row died at it (step: {step});"
                " svc -u goes on with it"
            )
        self._dossier.warn(self._dossier.record.reason)
        self._show()

    def _try_again(self) -> None:
        dossier = self._dossier
        dossier.host.handling.forgive()
        dossier.record.alone = self._aside = False
        dossier.keep()
        self._instance.release()
        dossier.inherit(None)
        self._guard(self._go_on)()

    def _let_go(self) -> None:
        """Of what was set aside, the process runs on, and the next supervisor goes on with it."""
        self.leave()
        self._gone(self)

    # What is to be done

    def _check(self) -> None:
        self._watched.begin()
        if self._dossier.knobs.has(b"start-check"):
            self._helper.check()
        else:
            self._tell(events.PASSED)

    def _cleared(self) -> None:
        self._instance.release()
        self._tell(events.CLEARED)

    def _forget(self) -> None:
        self._dossier.record.ended = "stopped"
        self._let_go()

    def leave(self) -> None:
        """Let go of everything, and leave the processes alone."""
        self._turns.wait_for_outcomes()
        self._dossier.end()
        self._watched.end()
        for part in (self._instance, self._helper, self._clearing):
            part.release()
        if self._letterbox is not None:
            self._letterbox.close()
        self._dossier.host.loop.set(self._alarm, NEVER)
        self._dossier.close()


_ACTIONS: dict[str, Callable[[Service], None]] = {
    events.START: lambda one: one._instance.start(),
    events.STOP: lambda one: one._instance.stop(),
    events.KILL: lambda one: one._instance.kill(),
    events.CHECK: Service._check,
    events.CLEAR: lambda one: one._clearing.begin(),
    events.FINISH: lambda one: one._helper.finish(),
    events.KILL_HELPER: lambda one: one._helper.kill(),
    events.END_LEFTOVERS: lambda one: one._clearing.end(),
    events.KILL_LEFTOVERS: lambda one: one._clearing.kill(),
    events.FORGET: Service._forget,
}
