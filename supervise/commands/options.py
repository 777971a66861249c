"""What the commands of `director` have in common."""

import sys
from typing import NoReturn

import click

from supervise.commands.seconds import seconds_of

LATE = 60.0
"""Seconds until a command gives up: keepalived may need 20 to end, and 5 to be MASTER."""


def _seconds(_context: click.Context, _option: click.Parameter, text: str) -> float:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


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
    callback=_seconds,
    default=str(LATE),
    show_default=True,
    metavar="SECONDS",
)
force = click.option(
    "--force",
    is_flag=True,
    help="Do it even where the check refuses. What the check refused may not come up again.",
)


def fail(why: str, code: int = 1) -> NoReturn:
    click.echo(f"director: {why}", err=True)
    sys.exit(code)
