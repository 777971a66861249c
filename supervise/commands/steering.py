"""The commands of `director` that do something to keepalived, or wait until it has been done."""

import os
import sys
import time
from collections.abc import Callable

import click

from supervise.commands import plain
from supervise.commands.directed import Directors, chosen, facts_of
from supervise.commands.goals import Goal, asked_by
from supervise.commands.options import directors, fail, force, scan, timeout
from supervise.commands.svc import send
from supervise.commands.waiting import Waiting
from supervise.commands.watching import wait_for_master
from supervise.director import gate, service_directory
from supervise.director.facts import Facts
from supervise.protocol import client


@click.command()
@directors
@scan
def check(directories: Directors, scan: str | None) -> None:
    """May keepalived be started or reloaded with what is on disk? Touches nothing.

    Exit 0: yes. 1: no, and a line says why, in keepalived's own words where it has some.
    """
    refused = [one for one in chosen(directories, scan) if not _passes(one)]
    sys.exit(1 if refused else 0)


def _passes(directory: str) -> bool:
    answer = gate.ask(directory)
    if answer.remarks:
        click.echo(answer.remarks, err=True)
    if answer.passed:
        click.echo(f"{directory}: may be started")
    else:
        click.echo(f"director: {directory}: refused: {answer.why}", err=True)
    return answer.passed


def _act(
    directories: list[str],
    letters: Callable[[bool], str],
    seconds: float,
    goals: Callable[[str], list[Goal]] = asked_by,
) -> None:
    """Send letters, which may depend on whether it runs, and wait until it has happened."""
    waiting = Waiting(b"director")
    for directory in map(os.fsencode, directories):
        target = waiting.add(directory, [])
        if target is not None:
            control = _control(directory)
            asked = letters(target.before.pid != 0)
            target.goals = goals(asked)
            waiting.deliver(target, control)
            send(directory, control, asked.encode())
    code = waiting.run(seconds)
    if code:
        sys.exit(code)


def _control(directory: bytes) -> int:
    try:
        return client.open_control(directory)
    except OSError as error:
        fail(f"{os.fsdecode(directory)}/supervise/control: unable to open: {error.strerror}")


@click.command()
@directors
@scan
@timeout
def start(directories: Directors, scan: str | None, timeout: float) -> None:
    """Start it, and keep it up. Returns when it is up."""
    _act(chosen(directories, scan), lambda up: "u", timeout)


@click.command()
@directors
@scan
@timeout
def stop(directories: Directors, scan: str | None, timeout: float) -> None:
    """Take it down, and keep it down. The backup takes over. Returns when it is down."""
    _act(chosen(directories, scan), lambda up: "d", timeout)


@click.command()
@directors
@scan
@timeout
@force
def restart(directories: Directors, scan: str | None, timeout: float, force: bool) -> None:
    """Check, then end it and start it again: a failover, where this one is MASTER.

    Where the check refuses, the running keepalived is left alone, and the exit code is 1. Returns
    when a new one is up.
    """
    wanted = _gated(chosen(directories, scan), force)
    _act(wanted, lambda up: "t" if up else "u", timeout)


@click.command()
@directors
@scan
@timeout
@force
def reload(directories: Directors, scan: str | None, timeout: float, force: bool) -> None:
    """Check, then have it read its configuration again, without a failover.

    keepalived itself exits when it is told to read a broken configuration, and leaves the virtual
    address behind: so where the check refuses it is not told, and the exit code is 1.
    """
    wanted = chosen(directories, scan)
    for directory in wanted:
        _require_reloadable(facts_of(directory), force)
    _gated(wanted, force)
    _act(wanted, lambda up: "h", timeout)
    for directory in wanted:
        _mark(directory)


def _require_reloadable(seen: Facts, force: bool) -> None:
    """keepalived reads the file again that it was started with, and no other."""
    if seen.forbidden:
        fail(f"{seen.directory}: {seen.forbidden}", plain.TROUBLE)
    if not seen.service["pid"]:
        fail(f"{seen.directory}: is down, so there is nothing to reload: director start")
    if seen.differences and not force:
        fail(f"{seen.directory}: {seen.differences[0]}: it needs director restart, not reload")


def _gated(wanted: list[str], force: bool) -> list[str]:
    refused = [one for one in wanted if not _passes(one)]
    if refused and not force:
        click.echo("director: nothing was done (--force does it all the same)", err=True)
        sys.exit(1)
    return wanted


def _mark(directory: str) -> None:
    """When the configuration was read: keepalived itself does not tell."""
    try:
        service_directory.mark_loaded(directory)
    except OSError as error:
        click.echo(f"director: warning: {error.filename}: {error.strerror}", err=True)


@click.command()
@directors
@scan
@timeout
@click.option("--master", is_flag=True, help="Until it is MASTER for all its VRRP instances.")
@click.option("--ready", is_flag=True, help="Until it is up.")
def wait(
    directories: Directors, scan: str | None, timeout: float, master: bool, ready: bool
) -> None:
    """Wait until it is MASTER, or up. Exit 99 where it was not in time."""
    if master == ready:
        raise click.UsageError("one of --master and --ready is needed")
    wanted = chosen(directories, scan)
    if ready:
        _act(wanted, lambda up: "", timeout, lambda asked: asked_by("u"))
    elif not wait_for_master(wanted, time.monotonic() + timeout):
        sys.exit(plain.LATE)


COMMANDS = (check, start, stop, restart, reload, wait)
