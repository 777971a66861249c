"""Run steps one after the other and write what came of each for the machine outside."""

import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

World = TypeVar("World")
RESULTS = Path("/run/results")


def run(name: str, steps: Sequence[Callable[[World], object]], world: World) -> None:
    """Each step gets `world` and returns what it measured; a failed one does not stop the rest.

    Writes NAME.json after each: {step: {"failure": text or null, "measured": ...}}.
    """
    results: dict[str, Any] = {}
    for step in steps:
        print(f"{step.__name__} ...", flush=True)
        failure = measured = None
        try:
            measured = step(world)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            failure = f"{type(error).__name__}: {error} ({where.name}:{where.lineno}: {where.line})"
            print(failure, file=sys.stderr, flush=True)
        results[step.__name__] = {"failure": failure, "measured": measured}
        (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1))
