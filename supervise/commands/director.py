"""director: keepalived for people. One look tells, and no bad configuration takes it down."""

import json
import os
import sys
from collections.abc import Callable, Hashable

import click

from supervise.commands import plain, steering
from supervise.commands.directed import Directors, asked_too, chosen, look_at
from supervise.commands.observing import observe as observe_for_ever
from supervise.commands.options import directors, scan
from supervise.commands.past import past
from supervise.commands.watching import watch
from supervise.director import show, verdict
from supervise.director.facts import Facts
from supervise.director.verdict import Verdict

Seen = tuple[Facts, Verdict]


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
@click.option(
    "--watch",
    "watching",
    is_flag=True,
    help="Again once a second, in place; where there is no terminal, when something has changed.",
)
@click.option(
    "--ask",
    is_flag=True,
    help="Ask keepalived itself too: it overwrites keepalived.json in its /tmp.",
)
def status(
    directories: Directors, scan: str | None, as_json: bool, brief: bool, watching: bool, ask: bool
) -> None:
    """Is it up, is it MASTER, does it forward, and what is wrong?

    Exit code, as monitoring plugins have it: 0 fine, 1 warning, 2 critical, 3 unknown.
    """
    wanted = chosen(directories, scan)
    draw = _objects if as_json else _brief if brief else _whole
    if watching and ask:
        raise click.UsageError("--watch never asks keepalived: leave out --ask")
    if watching:
        watch(lambda: _drawn(wanted, draw), _colours())
    all_seen = list(map(asked_too if ask else look_at, wanted))
    click.echo(draw(all_seen), color=_colours())
    sys.exit(verdict.worst([found.level for _, found in all_seen]))


def _drawn(wanted: list[str], draw: Callable[[list[Seen]], str]) -> tuple[str, Hashable]:
    all_seen = list(map(look_at, wanted))
    return draw(all_seen), tuple(show.essence(seen, found) for seen, found in all_seen)


def _colours() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None


def _paint(text: str, level: int) -> str:
    return click.style(text, fg=("green", "yellow", "red", "magenta")[level], bold=level > 0)


def _whole(all_seen: list[Seen]) -> str:
    lines = []
    for seen, found in all_seen:
        lines += [show.headline(seen, found, _paint), *show.details(seen, _paint)]
    return "\n".join(lines)


def _brief(all_seen: list[Seen]) -> str:
    lines = [f"{seen.name}: {show.summary(seen, found)}" for seen, found in all_seen]
    level = verdict.worst([found.level for _, found in all_seen])
    return f"{verdict.WORDS[level]} - " + "; ".join(lines)


def _objects(all_seen: list[Seen]) -> str:
    return "\n".join(json.dumps(show.as_object(seen, found)) for seen, found in all_seen)


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
@click.option("--log", type=click.Path(), help="The file that keepalived's log goes to.")
def observe(directories: Directors, scan: str | None, log: str | None) -> None:
    """Note every change of VRRP state and every death, for `status` and `history`.

    To be run as a service of its own; see keepalived/observer. It only wakes up when something
    happens.
    """
    observe_for_ever(chosen(directories, scan), log)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete the commands: source it in its start-up file."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    script = found(main, {}, "director", "_DIRECTOR_COMPLETE").source()
    # click's script for fish ends a description at its first comma.
    click.echo(script.replace('string split ","', 'string split --max 1 ","'))


for _command in steering.COMMANDS:
    main.add_command(_command)
