"""Looking at directors again: for somebody who watches, or until they are MASTER."""

import contextlib
import os
import select
import shutil
import sys
import time
from collections.abc import Callable, Hashable

import click

from supervise.commands import plain
from supervise.commands.directed import facts_of
from supervise.director.facts import Facts
from supervise.director.network import AddressChanges
from supervise.engine import watch as inotify

CHANGED = inotify.MODIFY | inotify.MOVED_TO | inotify.CREATE
"""What tells that something in `supervise/` has changed."""

_APART = 1.0
"""Seconds between two looks: faster is no help to anybody."""

_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\033[H", "\033[K", "\033[J"


def watch(draw: Callable[[], tuple[str, Hashable]], colours: bool | None) -> None:
    """Draw once a second until Ctrl-C: in place on a terminal, else only when it means something
    else than before. `draw` returns a text, and what it means."""
    if sys.stdout.isatty():
        click.clear()
    before: Hashable = None
    while True:
        text, meaning = draw()
        if sys.stdout.isatty():
            _draw_in_place(text, colours)
        elif meaning != before:
            click.echo(text, color=colours)
        before = meaning
        time.sleep(_APART)


def _draw_in_place(text: str, colours: bool | None) -> None:
    """In one write, and nothing is cleared that is written again: so it does not flicker. What
    does not fit is left out, because it would scroll."""
    width, height = shutil.get_terminal_size()
    lines = text.splitlines()
    room = height - 1
    while lines and sum(_rows(line, width) for line in lines) > room:
        lines.pop()
    shown = click.unstyle if colours is False else str
    body = "".join(f"{shown(line)}{_REST_OF_LINE}\n" for line in lines)
    click.echo(_HOME + body + _REST_OF_SCREEN, nl=False, color=True)


def _rows(line: str, width: int) -> int:
    return max(1, -(-len(click.unstyle(line)) // max(1, width)))


class _Changes:
    """Of addresses, interfaces, and what is in `supervise/` of these directors.

    :raises OSError: where one is not there.
    """

    def __init__(self, all_seen: list[Facts]) -> None:
        self._poll = select.poll()
        self._files = inotify.Watcher()
        self._poll.register(self._files.fileno(), select.POLLIN)
        self._addresses = []
        for seen in all_seen:
            self._files.add(os.fsencode(seen.directory) + b"/supervise", CHANGED)
            with contextlib.suppress(FileNotFoundError):  # it ended just now
                self._addresses.append(AddressChanges(seen.service["pid"]))
        for one in self._addresses:
            self._poll.register(one.fileno(), select.POLLIN)

    def wait(self, seconds: float) -> None:
        self._poll.poll(max(0, seconds) * 1000)
        self._files.read()
        for one in self._addresses:
            one.drain()


def wait_for_master(directories: list[str], deadline: float) -> bool:
    """Whether all are MASTER in time. What is waited for is shown on a terminal. Ends with exit
    code 102 where nobody supervises one."""
    all_seen = _look(directories)
    try:
        changes = _Changes(all_seen)
    except OSError as error:
        click.echo(f"director: unable to watch: {error.strerror}", err=True)
        sys.exit(plain.TROUBLE)
    shown = False
    while True:
        late = time.monotonic() >= deadline
        if late or all(map(_is_master, all_seen)):
            break
        if sys.stderr.isatty():
            shown = True
            click.echo(
                f"\r{_REST_OF_LINE}director: waiting: {_words(all_seen)}", nl=False, err=True
            )
        changes.wait(min(_APART, deadline - time.monotonic()))
        all_seen = _look(directories)
    if shown:
        click.echo(f"\r{_REST_OF_LINE}", nl=False, err=True)
    if late:
        click.echo(f"director: not in time: {_words(all_seen)}", err=True)
    return not late


def _look(directories: list[str]) -> list[Facts]:
    all_seen = [facts_of(one) for one in directories]
    for seen in all_seen:
        if seen.forbidden or not seen.service["supervised"]:
            why = seen.forbidden or "nobody supervises it"
            click.echo(f"director: {seen.directory}: {why}", err=True)
            sys.exit(plain.TROUBLE if seen.forbidden else plain.UNSUPERVISED)
    return all_seen


def _is_master(seen: Facts) -> bool:
    """An address that is held by nobody, for its process was killed, is about to go."""
    each = seen.instances
    return bool(each) and all(one.served and one.state == "MASTER" for one in each)


def _words(all_seen: list[Facts]) -> str:
    each = [f"{one.name} {one.state}" for seen in all_seen for one in seen.instances]
    return ", ".join(each) or "no VRRP instance is configured"
