"""director: keepalived for people. One look tells, and no bad configuration takes it down."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import NoReturn

import click

from supervise.commands import plain
from supervise.commands.directed import Directors, chosen, look_at
from supervise.commands.goals import Goal, asked_by
from supervise.commands.observing import observe as observe_for_ever
from supervise.commands.observing import wait_for_master, watch
from supervise.commands.past import past
from supervise.commands.svc import send
from supervise.commands.waiting import Waiting
from supervise.director import gate, service_directory, show, verdict
from supervise.protocol import client

LATE = 60.0
"""Seconds until a command gives up: keepalived may need 20 to end, and 5 to be MASTER."""

directors = click.argument("directories", nargs=-1, type=click.Path(), metavar="[DIR]...")
scan = click.option(
    "--scan",
    type=click.Path(),
    envvar="DIRECTOR_SCAN",
    help="The scan directory in which the services of keepalived are looked for, where no DIR is"
    " given. Default: /service, services or the working directory.",
)
timeout = click.option(
    "-t",
    "--timeout",
    type=click.FloatRange(min=0),
    default=LATE,
    show_default=True,
    metavar="SECONDS",
)
force = click.option(
    "--force",
    is_flag=True,
    help="Do it even where the check refuses. What the check refused may not come up again.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="supervise", prog_name="director")
def main() -> None:
    """Show and steer the keepalived of this director.

    DIR is a service directory of keepalived; without one, each keepalived under the scan directory
    is meant. `director status` is the one to begin with. `restart` and `reload` check the
    configuration first, and leave the running keepalived alone where it is bad; `svc -t` and
    `svc -h` ask nothing.
    """
    plain.begin()


@main.command()
@directors
@scan
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line; see docs/director.md."
)
@click.option("--brief", is_flag=True, help="One line for all, as monitoring plugins have it.")
@click.option("--watch", "watching", is_flag=True, help="Redraw when something changes.")
def status(
    directories: Directors, scan: str | None, as_json: bool, brief: bool, watching: bool
) -> None:
    """Is it up, is it MASTER, does it forward, and what is wrong?

    Exit code, as monitoring plugins have it: 0 fine, 1 warning, 2 critical, 3 unknown.
    """
    wanted = chosen(directories, scan)
    draw = _objects if as_json else _brief if brief else _whole
    if watching:
        watch(wanted, lambda: draw(wanted)[0])
    text, level = draw(wanted)
    click.echo(text, color=_colours())
    sys.exit(level)


def _colours() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None


def _paint(text: str, level: int) -> str:
    return click.style(text, fg=("green", "yellow", "red", "magenta")[level], bold=level > 0)


def _whole(wanted: list[str]) -> tuple[str, int]:
    lines, levels = [], []
    for directory in wanted:
        seen, found = look_at(directory)
        lines += [show.headline(seen, found, _paint), *show.details(seen, _paint)]
        levels.append(found.level)
    return "\n".join(lines), verdict.worst(levels)


def _brief(wanted: list[str]) -> tuple[str, int]:
    both = [look_at(directory) for directory in wanted]
    lines = [f"{seen.name}: {show.summary(seen, found)}" for seen, found in both]
    level = verdict.worst([found.level for _, found in both])
    return f"{verdict.WORDS[level]} - " + "; ".join(lines), level


def _objects(wanted: list[str]) -> tuple[str, int]:
    both = [look_at(directory) for directory in wanted]
    lines = [json.dumps(show.as_object(seen, found)) for seen, found in both]
    return "\n".join(lines), verdict.worst([found.level for _, found in both])


@main.command()
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
        _fail(f"{os.fsdecode(directory)}/supervise/control: unable to open: {error.strerror}")


@main.command()
@directors
@scan
@timeout
def start(directories: Directors, scan: str | None, timeout: float) -> None:
    """Start it, and keep it up. Returns when it is up."""
    _act(chosen(directories, scan), lambda up: "u", timeout)


@main.command()
@directors
@scan
@timeout
def stop(directories: Directors, scan: str | None, timeout: float) -> None:
    """Take it down, and keep it down. The backup takes over. Returns when it is down."""
    _act(chosen(directories, scan), lambda up: "d", timeout)


@main.command()
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


@main.command()
@directors
@scan
@timeout
@force
def reload(directories: Directors, scan: str | None, timeout: float, force: bool) -> None:
    """Check, then have it read its configuration again, without a failover.

    keepalived itself exits when it is told to read a broken configuration, and leaves the virtual
    address behind: so where the check refuses it is not told, and the exit code is 1.
    """
    wanted = _gated(chosen(directories, scan), force)
    for directory in wanted:
        if not look_at(directory)[0].service["pid"]:
            _fail(f"{directory}: is down, so there is nothing to reload: director start")
    _act(wanted, lambda up: "h", timeout)
    for directory in wanted:
        _mark(directory)


def _gated(wanted: list[str], force: bool) -> list[str]:
    refused = [one for one in wanted if not _passes(one)]
    if refused and not force:
        click.echo("director: nothing was done (--force does it all the same)", err=True)
        sys.exit(1)
    return wanted


def _mark(directory: str) -> None:
    """When the configuration was read: keepalived itself does not tell."""
    path = service_directory.loaded_mark(directory)
    try:
        with open(path, "a"):
            os.utime(path)
    except OSError as error:
        click.echo(f"director: warning: unable to write {path}: {error.strerror}", err=True)


@main.command()
@directors
@scan
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def history(directories: Directors, scan: str | None, as_json: bool) -> None:
    """The last deaths: when, of what, after how long, and what it was then.

    The state of VRRP and the last lines of the log are known where `director observe` runs.
    """
    for directory in chosen(directories, scan):
        for entry in past(directory):
            click.echo(json.dumps(entry) if as_json else entry["text"])


@main.command()
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


@main.command()
@directors
@scan
def observe(directories: Directors, scan: str | None) -> None:
    """Note every change of VRRP state and every death, for `status` and `history`.

    To be run as a service of its own; see keepalived/observer. It only wakes up when something
    happens.
    """
    observe_for_ever(chosen(directories, scan))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete the commands: source it in its start-up file."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(main, {}, "director", "_DIRECTOR_COMPLETE").source())


def _fail(why: str) -> NoReturn:
    click.echo(f"director: {why}", err=True)
    sys.exit(1)
