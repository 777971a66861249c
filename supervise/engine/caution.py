"""Before it is looked at what a name stands for: what hangs, or ends us, is not to do so again."""

import os
from collections.abc import Callable

from supervise.core.situation import NEVER
from supervise.engine.host import Host, now
from supervise.engine.loop import Alarm
from supervise.engine.messages import legible
from supervise.engine.mounts import Mounts
from supervise.protocol.errors import text

_PATIENCE = 2.0
"""Seconds that a file system gets before somebody is told that it does not answer."""

_QUIET = [(os.POSIX_SPAWN_OPEN, fd, b"/dev/null", os.O_RDWR, 0) for fd in range(3)]


class Caution:
    """:param home: the scan directory; what lies on the same file system is not asked for.
    :param refuse: told of a name that is not looked at, and why.
    """

    def __init__(self, host: Host, home: bytes, refuse: Callable[[bytes, str], None]) -> None:
        self._host = host
        self._home = home
        self._refuse = refuse
        self._mounts = Mounts()
        self._asked: dict[bytes, Question] = {}

    def look(self, name: bytes, look: Callable[[], None]) -> None:
        """Look, and have that noted, unless two supervisors in a row hung at it. Where the
        file system may not answer, look when it has answered somebody else.

        :param name: of an entry of the scan directory, or the path of a service without one.
        """
        handling = self._host.handling
        if handling.blames(name):
            why = (
                "two supervisors in a row hung at it, and were ended; HUP to svscan tries it again"
            )
            self._refuse(name, f"{legible(name)} is left alone: {why}")
            return
        path = self._target(name)
        mount = self._mounts.foreign(path)
        if not mount or mount == self._mounts.foreign(self._home):
            self._look(name, look)
        elif name not in self._asked:
            self._ask(name, path, mount, look)

    def _ask(self, name: bytes, path: bytes, mount: bytes, look: Callable[[], None]) -> None:
        try:
            self._asked[name] = Question(
                self._host,
                path,
                lambda: self._answered(name, look),
                lambda: self._silent(name, mount),
            )
        except OSError as error:
            self._refuse(name, f"unable to look at {legible(name)}: {text(error)}")

    def _look(self, name: bytes, look: Callable[[], None]) -> None:
        with self._host.handling.in_hand(self._host.handling.of_name(name)):
            look()

    def _target(self, name: bytes) -> bytes:
        """What the name is a link to, at the first step: the next ones may lie where it hangs."""
        path = os.path.join(self._home, name)
        if b"/" in name:
            return path
        try:
            return os.path.normpath(os.path.join(self._home, os.readlink(path)))
        except OSError:
            return path

    def _answered(self, name: bytes, look: Callable[[], None]) -> None:
        del self._asked[name]
        self._look(name, look)

    def _silent(self, name: bytes, mount: bytes) -> None:
        why = f"the file system at {legible(mount)} does not answer"
        self._refuse(name, f"{legible(name)} is not supervised: {why}")

    def close(self) -> None:
        """Whatever is answered from now on comes too late."""
        for question in self._asked.values():
            question.close()
        self._asked.clear()


class Question:
    """A process of its own asks for `run`, and may wait for ever.

    :param silent: called when it has waited for long.
    :raises OSError: where it cannot be started.
    """

    def __init__(
        self,
        host: Host,
        path: bytes,
        answered: Callable[[], None],
        silent: Callable[[], None],
    ) -> None:
        self._host = host
        self._answered = answered
        self._alarm = Alarm(silent)
        pid = host.spawner.spawn_like_us([b"/bin/sh", b"-c", b'test -e "$0/run"', path], _QUIET)
        host.children.expect(pid, self._ended, keep=False)
        self._pid = pid
        host.loop.set(self._alarm, now() + _PATIENCE)

    def _ended(self, _: int) -> None:
        self._host.loop.set(self._alarm, NEVER)
        self._answered()

    def close(self) -> None:
        self._host.loop.set(self._alarm, NEVER)
        self._host.children.release(self._pid)
