"""Measure supervise against its peers on this machine."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import processes, report
from bench.build import build
from bench.goals import ROWS
from bench.peers import Supervisor, all_supervisors
from bench.rows import ACTS
from bench.session import Session, Settings, say

TMPFS = Path("/dev/shm")
NOISE = 0.2  # cores that others may use before the table says so
RESULTS = Path(__file__).with_name("results")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="100 services, fewer rounds, shorter waits"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=[row.id for row in ROWS],
        help="only this row",
    )
    parser.add_argument("--rounds", type=int, help="rounds in which all take turns")
    parser.add_argument("--services", type=int, help="how many are meant by `all`")
    parser.add_argument("--peers", help="names, separated by commas: only these and supervise")
    parser.add_argument(
        "--output",
        type=Path,
        help="PREFIX of the .json and .md to write; a full run writes bench/results",
    )
    return parser.parse_args()


def settings(given: argparse.Namespace) -> Settings:
    only = frozenset(given.only)
    if given.quick:
        return Settings(given.rounds or 2, given.services or 100, 2000, 5, 20, only)
    return Settings(given.rounds or Settings.rounds, given.services or Settings.services, only=only)


def chosen(given: argparse.Namespace) -> list[Supervisor]:
    found = [each for each in all_supervisors() if each.present()]
    if given.peers:
        names = {"supervise", *given.peers.split(",")}
        found = [each for each in found if each.name in names]
    return found


def output(given: argparse.Namespace) -> Path | None:
    """Part of the rows must not take the place of all of them."""
    whole = not (given.quick or given.only or given.peers)
    return given.output or (RESULTS if whole else None)


def perform(session: Session) -> None:
    for rows, act in ACTS:
        if session.wants(*rows):
            _timed(rows, act, session)


def _timed(rows: tuple[str, ...], act: Callable[[Session], None], session: Session) -> None:
    label = ", ".join(rows)
    say(f"bench: {label} ...")
    begin, (machine, own) = time.monotonic(), processes.busy()
    act(session)
    taken, (machine_then, own_then) = time.monotonic() - begin, processes.busy()
    others = max(machine_then - machine - (own_then - own), 0) / taken
    session.add(f"{rows[0]}/others", "cores", others)
    say(f"bench: {label}: {taken:.0f} s, others used {others:.2f} cores meanwhile")
    if others > NOISE:
        session.note(rows[0], f"disturbed: others used {others:.1f} cores meanwhile")


def main() -> int:
    given = arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    processes.become_subreaper()
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=TMPFS))
    try:
        session = Session(settings(given), chosen(given), directory, build(directory / "programs"))
        about = report.about(session)
        perform(session)
    except KeyboardInterrupt:
        return 130
    finally:
        processes.kill_descendants()
        shutil.rmtree(directory, ignore_errors=True)
    if prefix := output(given):
        report.write(prefix, session, about)
    print(report.as_markdown(session, about))
    return 0


sys.exit(main())
