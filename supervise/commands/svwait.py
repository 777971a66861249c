"""svwait: wait until services are up, down or ready."""

import os
import sys

from supervise.commands import plain
from supervise.commands.seconds import seconds_of

HELP = b"""usage: svwait -u|-d|-r [-t SECONDS] dir ...
Wait until all services are up (-u), down (-d), or up and ready (-r). Exit 1 where that cannot be
any more, 99 where it was not in time, 102 where supervise does not run.
"""
LETTERS = "udr"


def main() -> None:
    plain.begin()
    plain.end(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    if args and len(args[0]) > 2 and args[0].startswith("--"):
        return plain.long_option("svwait", HELP, args[0])
    try:
        letter, seconds, directories = _parse(args)
    except ValueError as error:
        return plain.refuse("svwait", str(error))
    return _wait(letter, seconds, directories)


def _wait(letter: str, seconds: float | None, directories: list[str]) -> int:
    """Imported only here, where Ctrl-C does not break into it with a traceback any more."""
    from supervise.commands.goals import at_rest, running, surely_ready
    from supervise.commands.waiting import Waiting

    goal = {"u": running, "d": at_rest, "r": surely_ready}[letter]
    waiting = Waiting(b"svwait")
    for directory in directories:
        waiting.add(os.fsencode(directory), [goal])
    return waiting.run(seconds)


def _parse(args: list[str]) -> tuple[str, float | None, list[str]]:
    """:raises ValueError: what is wrong, in a line for the user."""
    chosen = ""
    seconds = None
    args = list(args)
    while args and args[0].startswith("-") and args[0] != "-":
        option = args.pop(0)
        if option == "--":
            break
        if option.startswith("--"):
            raise ValueError(f"unknown option {option}")
        letters, given, rest = option[1:].partition("t")
        if given:
            if not rest and not args:
                raise ValueError("-t needs a number of seconds")
            seconds = seconds_of(rest or args.pop(0))
        chosen += letters
    _check(chosen, args)
    return chosen[0], seconds, args


def _check(chosen: str, directories: list[str]) -> None:
    for letter in chosen:
        if letter not in LETTERS:
            raise ValueError(f"unknown option -{letter}")
    if len(set(chosen)) != 1:
        raise ValueError("svwait -u|-d|-r [-t SECONDS] dir ...")
    if not directories:
        raise ValueError("no directory given")
