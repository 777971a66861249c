"""svscan: everything in a scan directory under one loop."""

import contextlib
import fcntl
import gc
import os
import signal

from supervise.core.situation import NEVER
from supervise.engine import signals, watch
from supervise.engine.checked import UnusableError, identity
from supervise.engine.host import Host, now
from supervise.engine.loop import Alarm
from supervise.engine.manager import Manager
from supervise.engine.messages import legible
from supervise.engine.notices import Notice
from supervise.engine.patience import LockWait
from supervise.engine.scanner import Scanner
from supervise.engine.upgrade import Upgrade
from supervise.protocol.errors import text
from supervise.protocol.handover import Handover

INTERVAL = 5.0
"""Seconds between two scans where inotify cannot be had, or sees nothing: as 0.76."""

_TARDY = 5.0
"""Seconds after which the end of everything is late enough to name who is waited for."""


class Svscan:
    """:param home: absolute path of the scan directory.
    :param interval: seconds between two scans, beside inotify; 0: none.
    :param command: what starts us: absolute path of the program file, and the arguments.
    """

    def __init__(self, host: Host, home: bytes, interval: float, command: list[bytes]) -> None:
        self._host = host
        self._home = home
        self._shown = legible(home)
        self._interval = interval
        self._manager = Manager(host)
        if self._manager.listens:
            host.news.changed = self._tell_soon
        self._scanner = Scanner(host, home, self._changed)
        self._upgrade = Upgrade(host, command, self._hand_over, self._manager.alive)
        self._rescan = Alarm(self._scan)
        self._tell = Alarm(self._tell_manager)
        self._tardy = Alarm(self._name_the_tardy)
        self._lock = -1
        self._lock_wait: LockWait | None = None
        self._watch: Notice | None = None
        self._identity = (0, 0)
        self._stopping = False

    def run(self) -> None:
        """Until TERM, INT or QUIT."""
        signals.serve(
            self._host,
            {
                signal.SIGTERM: self._stop,
                signal.SIGINT: self._stop,
                signal.SIGHUP: self._scan_all,
                signal.SIGQUIT: self._leave,
                signal.SIGUSR2: self._upgrade.begin,
            },
        )
        if self._acquire():
            self._begin()
        else:
            self._host.all_claimed()
        self._host.loop.run()

    # One svscan a scan directory

    def _acquire(self) -> bool:
        fd = self._host.heir.claim_lock()
        if fd < 0:
            fd = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        found = os.fstat(fd)
        if self._lock >= 0 and identity(found) == identity(os.fstat(self._lock)):
            os.close(fd)  # moved away and back: it is still ours
            self._identity = identity(found)
            self._end_waiting()
            return True
        try:
            self._host.admission.check("svscan", self._shown, found)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            self._wait_for_lock()
            return False
        except (OSError, UnusableError):
            os.close(fd)
            raise
        self._lock = fd
        self._host.spawner.hold_lock(fd)
        self._identity = identity(found)
        self._end_waiting()
        return True

    def _wait_for_lock(self) -> None:
        if self._lock_wait is not None and self._lock_wait.go_on():
            return
        self._end_waiting()
        why = f"another svscan has {self._shown}"
        self._host.say("svscan", f"warning: {why}, waiting for it to end")
        self._lock_wait = LockWait(self._host, self._home, self._try_again)

    def _end_waiting(self) -> None:
        if self._lock_wait is not None:
            self._lock_wait.close()
            self._lock_wait = None

    def _try_again(self) -> None:
        """Also where what we have was replaced, and the new one was somebody else's."""
        if self._stopping:
            return
        if self._lock >= 0:
            self._take_new_home()
            return
        try:
            acquired = self._acquire()
        except OSError:  # not there just now: we wait on
            return
        if acquired:
            self._begin()

    def _begin(self) -> None:
        """The services first: what watches for more takes its time to be imported."""
        gc.disable()
        if self._is_home():
            self._scanner.move_in()
        if self._host.heir.entries:
            self._scanner.resume()
        else:
            self._scanner.begin()
        self._host.all_claimed()
        self._host.strays.begin()
        self._start_watch()
        self._watch_above()
        self._scan()
        gc.freeze()
        gc.enable()
        self._manager.ready()
        if self._host.heir.upgraded:
            self._host.say("svscan", "upgraded in place")

    # Scanning

    def _start_watch(self) -> None:
        mask = watch.CREATE | watch.MOVED_TO | watch.MOVED_FROM | watch.DELETE
        mask |= watch.DELETE_SELF | watch.MOVE_SELF
        try:
            self._watch = self._host.notices.add(self._home, mask, self._seen)
        except OSError as error:
            self._interval = self._interval or INTERVAL
            self._host.say(
                "svscan",
                f"warning: unable to watch {self._shown}: {text(error)};"
                f" scanning every {self._interval:g} seconds",
            )

    def _watch_above(self) -> None:
        """A directory that somebody holds open, as we do, does not tell of its own removal."""
        above, name = os.path.split(self._home)

        def seen(mask: int, gone: bytes) -> None:
            if gone == name and not self._stopping:
                self._home_gone()

        with contextlib.suppress(OSError):
            self._host.notices.add(above, watch.DELETE | watch.MOVED_FROM, seen)

    def _seen(self, mask: int, name: bytes) -> None:
        if self._stopping:
            return
        if mask & watch.OVERFLOW:
            self._scan()
        elif mask & (watch.DELETE_SELF | watch.MOVE_SELF | watch.UNMOUNT | watch.IGNORED):
            self._home_gone()
        elif mask & (watch.CREATE | watch.MOVED_TO):
            self._scanner.appeared(name)
        elif mask & (watch.DELETE | watch.MOVED_FROM):
            self._scanner.vanished(name)

    def _scan(self) -> None:
        if self._stopping or self._lock < 0:
            return
        if self._interval:
            self._host.loop.set(self._rescan, now() + self._interval)
        if self._is_home():
            self._scanner.scan()
        else:
            self._home_gone()

    def _scan_all(self) -> None:
        """Also what is left alone because the supervisors before us died at it."""
        self._host.handling.forgive()
        self._scan()

    def _is_home(self) -> bool:
        with contextlib.suppress(OSError):
            return identity(os.stat(self._home)) == self._identity
        return False

    def _home_gone(self) -> None:
        """Removed, moved away, or covered. Its services go on; a new one at its place is taken."""
        if self._is_home():
            return
        if self._identity != (0, 0):
            self._identity = (0, 0)
            self._scanner.move_out()
            self._host.say(
                "svscan",
                f"warning: {self._shown} was removed or replaced;"
                " what is supervised goes on, and a new one is taken when it is there",
            )
            if self._watch is not None:
                self._host.notices.remove(self._watch)
                self._watch = None
        self._take_new_home()

    def _take_new_home(self) -> None:
        old = self._lock
        acquired = False
        with contextlib.suppress(OSError, UnusableError):
            acquired = self._acquire()
        if not acquired:
            self._host.loop.set(self._rescan, now() + INTERVAL)
            return
        if self._lock != old:
            self._host.spawner.release_lock(old)
        self._start_watch()
        self._scanner.move_in()
        self._scanner.scan()

    # What the manager is told

    def _changed(self) -> None:
        if self._stopping and not self._scanner.entries:
            self._host.loop.end()
        self._host.news.changed()

    def _tell_soon(self) -> None:
        if self._tell.when == NEVER:
            self._host.loop.set(self._tell, now())

    def _tell_manager(self) -> None:
        services = [one for entry in self._scanner.entries.values() for one in entry.services]
        up = sum(one.running for one in services)
        self._manager.status(f"{len(services)} services, {up} up")

    # Upgrade

    def _hand_over(self) -> Handover:
        entries = list(self._scanner.entries.values())
        services = [one.hand_over() for entry in entries for one in entry.services]
        return Handover(
            self._home,
            self._lock,
            self._host.spawner.limit,
            tuple(entry.hand_over() for entry in entries),
            tuple(services),
        )

    # The end

    def _stop(self) -> None:
        """Take everything down: services first, each logger when it has drained its pipe."""
        if self._stopping:
            self._name_the_tardy()
            return
        self._stopping = True
        self._upgrade.call_off()
        self._manager.stopping()
        self._scanner.close()
        self._host.loop.set(self._tardy, now() + _TARDY)
        for entry in list(self._scanner.entries.values()):
            entry.stop()
        if not self._scanner.entries:
            self._host.loop.end()

    def _name_the_tardy(self) -> None:
        for entry in self._scanner.entries.values():
            for service in entry.services:
                self._host.say("svscan", f"warning: still waiting for {service.description}")

    def _leave(self) -> None:
        """Exit and leave everything running; a next svscan goes on with it."""
        self._manager.stopping()
        for entry in list(self._scanner.entries.values()):
            entry.leave()
        self._host.loop.end()
