"""Names in the scan directory that are no services yet, each waiting for what it lacks."""

import os
from collections.abc import Callable
from typing import Protocol

from supervise.core.situation import NEVER
from supervise.engine.host import Host, now
from supervise.engine.loop import Alarm
from supervise.engine.notices import Notice, PathNotice
from supervise.engine.watch import CHANGES, ONLYDIR

Again = Callable[[], None]

QUIET = 0.5
"""Seconds in which nothing may have changed in a directory that is being filled in place."""

_ENOUGH = 5.0
"""Seconds after which a directory without a `run` that can be executed is tried all the same, so
that somebody is told what is wrong with it."""

_RETRY_FIRST = 5.0
_RETRY_LAST = 60.0


class Candidate(Protocol):
    def close(self) -> None: ...


class Dangling:
    """A link whose target is not there: looked at again when something happens on its way."""

    def __init__(self, host: Host, path: bytes, again: Again) -> None:
        self._notice = PathNotice(host.notices, os.path.realpath(path), again)

    def close(self) -> None:
        self._notice.close()


class Filling:
    """A directory that appeared: complete when `run` can be executed and all is quiet.

    `cp -a` writes `run` before `down` and `finish`.
    """

    def __init__(self, host: Host, path: bytes, complete: Again) -> None:
        self._host = host
        self._run = path + b"/run"
        self._complete = complete
        self._alarm = Alarm(self._quiet)
        self._waited = False
        self._notice: Notice = host.notices.add(path, CHANGES | ONLYDIR, self._changed)
        host.loop.set(self._alarm, now() + QUIET)

    def _changed(self, mask: int, name: bytes) -> None:
        self._waited = False
        self._host.loop.set(self._alarm, now() + QUIET)

    def _quiet(self) -> None:
        if self._waited or os.access(self._run, os.X_OK):
            self._complete()
            return
        self._waited = True
        self._host.loop.set(self._alarm, now() + _ENOUGH)

    def close(self) -> None:
        self._host.loop.set(self._alarm, NEVER)
        self._host.notices.remove(self._notice)


class Refused:
    """Something is wrong with it: tried again after 5 s (as 0.76 does), 10 s, ... 60 s."""

    def __init__(self, host: Host, reason: str, again: Again) -> None:
        self._host = host
        self._alarm = Alarm(again)
        self._delay = _RETRY_FIRST
        self.reason = reason
        host.loop.set(self._alarm, now() + self._delay)

    def once_more(self) -> None:
        """It was tried, and is refused for the same reason."""
        self._delay = min(2 * self._delay, _RETRY_LAST)
        self._host.loop.set(self._alarm, now() + self._delay)

    def close(self) -> None:
        self._host.loop.set(self._alarm, NEVER)
