"""Which directors are meant, and one look at each."""

import os
import sys

import click

from supervise.commands.report import describe
from supervise.director import dump, look, service_directory, verdict
from supervise.director.facts import Facts
from supervise.director.verdict import Verdict

Directors = tuple[str, ...]

SCANS = ("/service", "services", ".")
"""Where a keepalived is looked for, if nothing is said."""


def chosen(directories: Directors, scan: str | None) -> list[str]:
    """Those that are named, or each keepalived under the scan directory. Ends with exit code 3
    where there is none."""
    if directories:
        missing = [one for one in directories if not os.path.isdir(one)]
        if missing:
            _end(f"{missing[0]}: no such service directory")
        return [one.rstrip("/") or "/" for one in directories]
    places = [scan] if scan else [one for one in SCANS if os.path.isdir(one)]
    for place in places:
        try:
            found = service_directory.find(place)
        except OSError as error:
            _end(f"{place}: unable to read: {error.strerror}")
        if found:
            return found
    _end(f"no keepalived is a service in {', '.join(places) or 'any scan directory'}: see --scan")
    return []


def _end(why: str) -> None:
    click.echo(f"director: {why}", err=True)
    sys.exit(verdict.UNKNOWN)


def facts_of(directory: str) -> Facts:
    return look.look(directory, describe(os.fsencode(directory)))


def look_at(directory: str) -> tuple[Facts, Verdict]:
    seen = facts_of(directory)
    return seen, verdict.judge(seen)


def asked_too(directory: str) -> tuple[Facts, Verdict]:
    """With what keepalived says itself, if it can be asked."""
    seen = facts_of(directory)
    try:
        seen = dump.with_own_words(seen)
    except OSError as error:
        why = error.strerror or error
        click.echo(f"director: warning: {directory}: unable to ask keepalived: {why}", err=True)
    return seen, verdict.judge(seen)
