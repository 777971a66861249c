"""supervise: one service under the same engine."""

import os
import signal

from supervise.engine import signals
from supervise.engine.checked import BusyError, identity
from supervise.engine.host import Host, now
from supervise.engine.instance import Pipes
from supervise.engine.loop import Alarm
from supervise.engine.messages import legible
from supervise.engine.place import Place
from supervise.engine.service import Service
from supervise.engine.upgrade import Upgrade
from supervise.protocol.handover import Handover

_PATIENCE = 1.0
_INTERVAL = 0.02
"""Seconds. A holder of the lock that is dying gets this long; one that lives keeps it."""


class Lone:
    """:param command: what starts us: absolute path of the program file, and the arguments.
    :raises UnusableError: where everybody can write the directory.
    """

    def __init__(self, host: Host, path: bytes, name: bytes, command: list[bytes]) -> None:
        self._host = host
        found = os.stat(path)
        host.admission.check("supervise", legible(name), found)
        self._place = Place(path, name, *identity(found))
        self._service: Service | None = None
        self._until = now() + _PATIENCE
        self._retry = Alarm(self._begin)
        self._failed: BusyError | None = None
        self._upgrade = Upgrade(host, command, self._hand_over, lambda: None)

    def run(self) -> None:
        """Until the service is given up, or QUIT.

        :raises UnusableError: where the directory cannot be supervised.
        """
        self._host.news.locked = self._note_from_now_on
        signals.serve(
            self._host,
            {
                signal.SIGTERM: self._stop,
                signal.SIGINT: self._stop,
                signal.SIGQUIT: self._leave,
                signal.SIGUSR2: self._upgrade.begin,
            },
        )
        self._begin()
        self._host.loop.run()
        if self._failed is not None:
            raise self._failed

    def _begin(self) -> None:
        try:
            self._service = Service(self._host, self._place, Pipes(), self._gone)
        except BusyError as error:
            if now() < self._until:
                self._host.loop.set(self._retry, now() + _INTERVAL)
                return
            self._failed = error
            self._host.loop.end()
        self._host.all_claimed()
        if self._host.heir.upgraded:
            self._host.say("supervise", "upgraded in place")

    def _note_from_now_on(self) -> None:
        path = self._place.path + b"/supervise/handling"
        self._host.handling.open(path, self._host.heir.upgraded)

    def _hand_over(self) -> Handover:
        services = (self._service.hand_over(),) if self._service is not None else ()
        return Handover(self._place.path, limit=self._host.spawner.limit, services=services)

    def _gone(self, _: Service) -> None:
        self._host.loop.end()

    def _stop(self) -> None:
        """As `svc -dx`."""
        if self._service is not None:
            self._service.order("dx")
        else:
            self._host.loop.end()

    def _leave(self) -> None:
        if self._service is not None:
            self._service.leave()
        self._host.loop.end()
