"""An entry of the scan directory: a service and, where it has `log/`, its logger."""

import contextlib
import os
from collections.abc import Callable, Iterator

from supervise.core.situation import NEVER
from supervise.engine import checked, files
from supervise.engine.checked import UnusableError
from supervise.engine.host import Host, now
from supervise.engine.instance import Pipes
from supervise.engine.loop import Alarm
from supervise.engine.messages import legible
from supervise.engine.place import Place
from supervise.engine.service import Service
from supervise.protocol import record
from supervise.protocol.handover import HandedEntry

_DRAIN_INTERVAL = 1.0
_DRAIN_PATIENCE = 20
"""How often, and at the most how many times, a logger that is to end is asked whether its pipe is
empty. One that ends by itself at the end of its input is never asked."""


class Entry:
    """:param gone: called each time that supervision of the service or of its logger has ended."""

    __slots__ = (
        "_alarm",
        "_ending",
        "_gone",
        "_host",
        "_log",
        "_looks",
        "_main",
        "_only_reads",
        "_pipe",
        "place",
    )

    def __init__(self, host: Host, place: Place, gone: Callable[["Entry"], None]) -> None:
        self._host = host
        self._gone = gone
        self.place = place
        self._main: Service | None = None
        self._log: Service | None = None
        self._pipe = -1
        self._alarm: Alarm | None = None
        self._looks = 0
        self._ending = self._only_reads = False

    def take_up(self) -> None:
        """Supervise what of it is not supervised yet. Whether there is a logger is decided once.

        :raises UnusableError: where one of the two cannot be supervised; the other one may be.
            Where neither can, of the service itself.
        """
        if self._pipe < 0 and self._main is None and self._logged():
            self._open_pipe()
        try:
            self._take_up_main()
        except Exception:
            with contextlib.suppress(UnusableError, OSError):
                self._take_up_log()
            raise
        self._take_up_log()

    def _take_up_main(self) -> None:
        if self._main is None:
            self._main = self._begin(self.place, Pipes(stdout=self._pipe))

    def _take_up_log(self) -> None:
        if self._pipe >= 0 and self._log is None:
            self._log = self._begin(self._log_place(), Pipes(stdin=self._pipe))

    def _begin(self, place: Place, pipes: Pipes) -> Service | None:
        service = Service(self._host, place, pipes, self._service_gone)
        return None if service.is_gone else service

    def resume(self, handed: HandedEntry) -> None:
        """Go on with what our older self supervised of it.

        :raises UnusableError: as `take_up`.
        """
        self._pipe = self._host.heir.claim_pipe(handed)
        try:
            if handed.service:
                self._main = self._begin(self.place, Pipes(stdout=self._pipe))
        finally:
            if handed.log:
                path, name = self.place.path + b"/log", self.place.name + b"/log"
                place = Place(path, name, handed.log_device, handed.log_inode)
                self._log = self._begin(place, Pipes(stdin=self._pipe))

    def hand_over(self) -> HandedEntry:
        """What our newer self goes on with."""
        log = self._log.place.identity if self._log is not None else (0, 0)
        place = self.place
        there = self._main is not None, self._log is not None
        return HandedEntry(
            place.device, place.inode, place.path, place.name, self._pipe, *there, *log
        )

    def _logged(self) -> bool:
        """As daemontools-encore: its `log` must be a directory, where 0.76 takes anything."""
        return os.path.isdir(self.place.path + b"/log")

    def _open_pipe(self) -> None:
        name = legible(self.place.name)
        checked.make(self.place.path + b"/supervise", f"{name}/supervise")
        path = self.place.path + b"/supervise/stdout"
        self._pipe = checked.open_fifo(path, f"{name}/supervise/stdout", os.O_RDWR)

    def _log_place(self) -> Place:
        path = self.place.path + b"/log"
        name = self.place.name + b"/log"
        try:
            found = os.stat(path)
        except OSError as error:
            raise checked.unable("stat", legible(name), error) from None
        self._host.admission.check("svscan", legible(name), found)
        return Place(path, name, *checked.identity(found))

    def follow(self, place: Place) -> None:
        """The directory was moved, or is called by another name."""
        self.place = place
        if self._main is not None:
            self._main.follow(place)
        if self._log is not None:
            path, name = place.path + b"/log", place.name + b"/log"
            self._log.follow(self._log.place._replace(path=path, name=name))

    @property
    def services(self) -> Iterator[Service]:
        return iter([one for one in (self._main, self._log) if one is not None])

    @property
    def complete(self) -> bool:
        return self._main is not None and (self._pipe < 0 or self._log is not None)

    def under_way(self) -> bool:
        """Whether an earlier supervisor of this boot left it without ending its supervision.

        :raises OSError: where the directory or its record is not there, or cannot be looked at.
        """
        if checked.identity(os.stat(self.place.path)) != self.place.identity:
            return False
        try:
            kept = record.unpack(files.read(self.place.path + b"/supervise/state", record.SIZE))
        except ValueError:
            return False
        return kept.boot == self._host.boot and kept.ended == "under way"

    @property
    def removed(self) -> bool:
        """Its directory, so that nothing can be started in it any more."""
        first = next(self.services, None)
        return first is not None and first.removed

    @property
    def empty(self) -> bool:
        return self._main is None and self._log is None

    def _service_gone(self, service: Service) -> None:
        if service is self._log:
            self._log = None
        elif service is self._main:
            self._main = None
        if self._ending and self._main is None:
            self._end_log()
        self._gone(self)

    # The end

    def stop(self) -> None:
        """The service first; its logger when it has read all that the service wrote."""
        self._end("xd")

    def end_if_removed(self) -> None:
        """What runs of it goes on, and is not started again."""
        if self.removed and not self._ending:
            why = "its directory was removed; supervised until it ends"
            self._host.say("svscan", f"warning: {legible(self.place.name)}: {why}")
            self._end("x")

    def _end(self, asked: str) -> None:
        self._ending = True
        if self._main is not None:
            self._main.order(asked)
        else:
            self._end_log()

    def _end_log(self) -> None:
        """Let the logger see the end of its input, and see to it that it ends."""
        if self._log is None:
            self.close()
            return
        if self._alarm is None:
            self._let_go_of_writing()
            self._alarm = Alarm(self._look_at_log)
            self._host.loop.set(self._alarm, now() + _DRAIN_INTERVAL)
            self._log.order("ox" if checked.waiting_bytes(self._pipe) else "x")

    def _let_go_of_writing(self) -> None:
        """The number stays: a logger that starts only now, and its finish, are given it to read.
        Where no file can be opened just now, the next look tries again."""
        with contextlib.suppress(OSError):
            reading = os.open(b"/proc/self/fd/%d" % self._pipe, os.O_RDONLY | os.O_NONBLOCK)
            os.dup2(reading, self._pipe, inheritable=False)
            os.close(reading)
            self._only_reads = True

    def _look_at_log(self) -> None:
        self._looks += 1
        if self._log is None or self._alarm is None:
            return
        at_end = self._only_reads and checked.waiting_bytes(self._pipe) == 0
        if at_end or self._looks >= _DRAIN_PATIENCE:
            self._log.order("d")
            return
        if not self._only_reads:
            self._let_go_of_writing()
        self._host.loop.set(self._alarm, now() + _DRAIN_INTERVAL)

    def leave(self) -> None:
        """Let go of both and leave their processes alone."""
        for service in self.services:
            service.leave()
        self.close()

    def close(self) -> None:
        if self._alarm is not None:
            self._host.loop.set(self._alarm, NEVER)
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
