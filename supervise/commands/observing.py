"""`director observe`: what must be seen when it happens. Told by the kernel, and not polled."""

import os
import select
import sys
import time

import click

from supervise.commands.directed import facts_of
from supervise.commands.following import Sources
from supervise.commands.past import seconds
from supervise.commands.tail import last_lines, usual_logs
from supervise.commands.watching import CHANGED
from supervise.director import journal
from supervise.director.facts import Facts
from supervise.engine import watch as inotify

_AGAIN = 1.0
"""Seconds until the next look where something is still to come that nobody tells."""


def observe(directories: list[str], log: str | None) -> None:
    """Note every change, for ever. `log` is the file whose last lines are kept at a death."""
    observed = [_Observed(one, (log,) if log else usual_logs(one)) for one in directories]
    files = _watch(directories)
    while True:
        watched = [_is_watched(files, one) for one in directories]
        looks = [one.look() for one in observed]
        poll = select.poll()
        for fd in (files.fileno(), *(fd for one in observed for fd in one.sources.descriptors())):
            poll.register(fd, select.POLLIN)
        poll.poll(None if all(watched + looks) else _AGAIN * 1000)
        files.read()


def _watch(directories: list[str]) -> inotify.Watcher:
    try:
        files = inotify.Watcher()
        for directory in directories:
            files.add(os.fsencode(directory) + b"/supervise", CHANGED)
    except OSError as error:
        click.echo(f"director: unable to watch: {error.strerror}: is it supervised?", err=True)
        sys.exit(3)
    return files


def _is_watched(files: inotify.Watcher, directory: str) -> bool:
    """Watch what is there now: the directory may have been replaced, or its link have been turned,
    which is told where it is named. To watch the same once more changes nothing."""
    path = os.fsencode(directory)
    try:
        files.add(path + b"/supervise", CHANGED)
        files.add(os.path.dirname(path) or b".", inotify.CREATE | inotify.MOVED_TO)
    except OSError:
        return False
    return True


class _Observed:
    def __init__(self, directory: str, logs: tuple[str, ...]) -> None:
        self._directory = directory
        self._logs = logs
        self.sources = Sources(directory)

    def look(self) -> bool:
        """Note what has changed, and listen where the next change will be told. Whether nothing is
        still to come."""
        sources = self.sources
        sources.addresses.drain()
        own = sources.own_words.hear()
        seen = facts_of(self._directory)
        lost = sources.children.follow(seen)
        try:
            self._note(seen, own, lost)
        except OSError as error:
            what = f"unable to write {journal.path_of(self._directory)}: {error.strerror}"
            click.echo(f"director: warning: {what}", err=True)
        sources.addresses.follow(seen)
        heard = sources.own_words.follow(seen)
        return sources.settled(seen, heard and sources.children.complete(seen))

    def _note(self, seen: Facts, own: dict[str, str], lost: list[str]) -> None:
        for role in lost:
            self._add({"child": role, "parent": seen.service["pid"]})
        known_own = {one.name: one.own.state for one in seen.instances if one.own}
        for name, state in own.items():
            if known_own.get(name) != state:
                self._add({"instance": name, "own": state})
        if own:  # it may tell what the state is
            seen = facts_of(self._directory)
        known = journal.states(journal.read(self._directory))
        for one in seen.instances:
            if known.get(one.name, ("", 0.0))[0] != one.state:
                self._add({"instance": one.name, "state": one.state})
        self._note_deaths(seen)

    def _note_deaths(self, seen: Facts) -> None:
        entries = journal.read(self._directory)
        noted = {one["death"]["time"] for one in entries if isinstance(one.get("death"), dict)}
        for death in reversed(seen.service["deaths"] or []):
            if death["time"] not in noted:
                when = seconds(death["time"] or "")
                vrrp = journal.state_at(entries, when)
                lines = last_lines(self._logs)
                self._add({"time": when, "death": death, "vrrp": vrrp, "log": lines})

    def _add(self, entry: journal.Entry) -> None:
        journal.add(self._directory, {"time": time.time(), **entry})
