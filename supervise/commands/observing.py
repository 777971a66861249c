"""Looking at directors again whenever something has changed: told by the kernel, not found."""

import os
import select
import sys
import time
from collections.abc import Callable

import click

from supervise.commands.directed import look_at
from supervise.commands.past import seconds
from supervise.director import journal
from supervise.director.addresses import AddressChanges
from supervise.director.facts import Facts
from supervise.engine import watch as inotify

_CHANGED = inotify.MODIFY | inotify.MOVED_TO | inotify.CREATE
_APART = 1.0
"""Seconds between two drawings: faster is no help to anybody."""

_LOGS = ("/var/log/keepalived.log", "/var/log/messages", "/var/log/syslog")
_TAIL = 16384
_LINES = 5


class Changes:
    """Of addresses, interfaces, and what is in `supervise/` of these directors."""

    def __init__(self, directories: list[str]) -> None:
        self._poll = select.poll()
        self._addresses = AddressChanges()
        self._files = inotify.Watcher()
        for directory in directories:
            self._files.add(os.fsencode(directory) + b"/supervise", _CHANGED)
        for one in (self._addresses.fileno(), self._files.fileno()):
            self._poll.register(one, select.POLLIN)

    def wait(self, seconds: float | None) -> bool:
        """Whether something has changed before the time was over."""
        found = self._poll.poll(None if seconds is None else max(0, seconds) * 1000)
        self._addresses.drain()
        if found:
            self._files.read()
        return bool(found)


def _changes(directories: list[str]) -> Changes:
    try:
        return Changes(directories)
    except OSError as error:
        click.echo(f"director: unable to watch: {error.strerror}: is it supervised?", err=True)
        sys.exit(3)


def watch(directories: list[str], draw: Callable[[], str]) -> None:
    """Draw again when what is seen has changed, until Ctrl-C."""
    changes, before = _changes(directories), ""
    while True:
        text = draw()
        if text != before:
            click.clear()
            click.echo(text)
            before = text
        time.sleep(_APART)
        changes.wait(_APART)


def wait_for_master(directories: list[str], deadline: float) -> bool:
    """Whether all are MASTER in time. What is waited for is shown on a terminal."""
    changes, shown = _changes(directories), False
    while True:
        states = {one: _states(look_at(one)[0]) for one in directories}
        late = time.monotonic() >= deadline
        if late or all(set(each.values()) == {"MASTER"} for each in states.values()):
            break
        if sys.stderr.isatty():
            shown = True
            click.echo(f"\r\033[Kdirector: waiting: {_words(states)}", nl=False, err=True)
        changes.wait(min(_APART, deadline - time.monotonic()))
    if shown:
        click.echo("\r\033[K", nl=False, err=True)
    if late:
        click.echo(f"director: not in time: {_words(states)}", err=True)
    return not late


def _words(states: dict[str, dict[str, str]]) -> str:
    each = [f"{name} {state}" for found in states.values() for name, state in found.items()]
    return ", ".join(each) or "no VRRP instance is configured"


def _states(seen: Facts) -> dict[str, str]:
    return {one.name: one.state for one in seen.instances}


def observe(directories: list[str]) -> None:
    """Note every change, for ever."""
    changes = _changes(directories)
    while True:
        for directory in directories:
            try:
                _note(directory)
            except OSError as error:
                what = f"unable to write {journal.path_of(directory)}: {error.strerror}"
                click.echo(f"director: warning: {what}", err=True)
        changes.wait(None)


def _note(directory: str) -> None:
    seen, _ = look_at(directory)
    known = journal.states(directory)
    for name, state in _states(seen).items():
        if known.get(name, ("", 0.0))[0] != state:
            journal.add(directory, {"time": time.time(), "instance": name, "state": state})
    entries = journal.read(directory)
    noted = {one["death"]["time"] for one in entries if isinstance(one.get("death"), dict)}
    for death in reversed(seen.service["deaths"] or []):
        if death["time"] not in noted:
            when = seconds(death["time"] or "")
            vrrp = journal.state_at(entries, when)
            entry = {"time": when, "death": death, "vrrp": vrrp, "log": _last_lines()}
            journal.add(directory, entry)


def _last_lines() -> list[str]:
    """The last that keepalived said, where its log is a file that we know."""
    for path in _LOGS:
        try:
            with open(path, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
                lines = file.read().decode("utf-8", "replace").splitlines()[1:]
        except OSError:
            continue
        found = [line for line in lines if "eepalived" in line]
        if found:
            return found[-_LINES:]
    return []
