"""The service manager above us (systemd), told through sdnotify without ever waiting for it."""

import os
from collections.abc import Callable

from supervise.engine.host import Host, now
from supervise.engine.loop import Alarm


class Manager:
    """Does nothing where NOTIFY_SOCKET is not set."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._notify: Callable[[str], None] | None = None
        self._alarm = Alarm(self.alive)
        self._interval = _watchdog_interval()
        if os.environ.get("NOTIFY_SOCKET"):
            try:
                self._open()
            except Exception as error:  # half installed, for one
                what = f"unable to notify the service manager: sdnotify: {error}"
                host.say("svscan", f"warning: {what}")

    def _open(self) -> None:
        from sdnotify import SystemdNotifier

        notifier = SystemdNotifier()
        if notifier.socket is not None:
            notifier.socket.setblocking(False)
            self._notify = notifier.notify

    @property
    def listens(self) -> bool:
        return self._notify is not None

    def ready(self) -> None:
        self._tell("READY=1")
        self.alive()

    def status(self, text: str) -> None:
        self._tell(f"STATUS={text}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """So that its watchdog, where it has one, is content; and again in time."""
        if self._notify is not None and self._interval:
            self._tell("WATCHDOG=1")
            self._host.loop.set(self._alarm, now() + self._interval)

    def _tell(self, state: str) -> None:
        if self._notify is not None:
            self._notify(state)


def _watchdog_interval() -> float:
    """Half of what the manager grants, in seconds; 0: it does not ask."""
    asked = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not asked.isdecimal() or meant != str(os.getpid()):
        return 0.0
    return int(asked) / 2e6
