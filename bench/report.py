"""The results as a table for people and as JSON with every sample."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.goals import ROWS, Medians, Row
from bench.peers import OURS
from bench.plot import svg
from bench.rows.clients import PYTHON
from bench.session import Session

EXPLANATION = (
    "Medians, all from the same run, on a tmpfs; less is better everywhere."
    " In brackets: ours as a multiple of that one. `-`: does not exist there, or was not measured."
)


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def as_data(session: Session, about: dict[str, Any]) -> dict[str, Any]:
    settings = asdict(session.settings) | {"only": sorted(session.settings.only)}
    rows = {row.id: _row_data(session, row) for row in shown(session)}
    return {**about, "settings": settings, "rows": rows, "samples": session.samples}


def about(session: Session) -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %Z"),
        "machine": machine(),
        "versions": {each.name: each.version() for each in session.supervisors},
    }


def shown(session: Session) -> list[Row]:
    return [row for row in ROWS if row.id in session.samples or row.id in session.notes]


def medians(session: Session, row: str) -> Medians:
    samples = session.samples.get(row, {})
    return {name: statistics.median(values) for name, values in samples.items() if values}


def _row_data(session: Session, row: Row) -> dict[str, Any]:
    middle = medians(session, row.id)
    return {
        "title": title(session, row),
        "unit": row.unit,
        "median": middle,
        "goal": row.goal,
        "verdict": row.verdict(middle),
        "notes": session.notes.get(row.id, []),
    }


def title(session: Session, row: Row) -> str:
    settings = session.settings
    return row.title.format(
        n=settings.services,
        many=f"{settings.many:,}",
        idle=f"{settings.idle_seconds:g}",
        crash=f"{settings.crash_seconds:g}",
    )


def as_markdown(session: Session, about: dict[str, Any]) -> str:
    names = [each.name for each in session.supervisors]
    shown_names = [f"**{name}**" if name == OURS else name for name in names]
    head = ["what", "unit", *shown_names, "goal", ""]
    lines = [_line(head), _line(["---", "---", *("---:" for _ in names), "---", "---"])]
    lines += [_line(_cells(session, row, names)) for row in shown(session)]
    return "\n".join([_heading(about), "", *lines, "", EXPLANATION, *_notes(session), ""])


def _heading(about: dict[str, Any]) -> str:
    here = about["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"{about['date']}; {here['cpu']}, {here['cores']} cores, Linux {here['kernel']}, "
        f"Python {here['python']}, load {here['load']:.1f} at the start; {versions}."
    )


def _cells(session: Session, row: Row, names: list[str]) -> list[str]:
    middle = medians(session, row.id)
    values = [_value(middle, name) for name in names]
    goal = row.goal + (f" ({_number(middle[PYTHON])} ms)" if PYTHON in middle else "")
    return [title(session, row), row.unit, *values, goal, row.verdict(middle)]


def _value(middle: Medians, name: str) -> str:
    if name not in middle:
        return "-"
    own = middle.get(OURS)
    if name == OURS:
        return f"**{_number(middle[name])}**"
    if own is None or not middle[name]:
        return _number(middle[name])
    return f"{_number(middle[name])} (x {own / middle[name]:.2g})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _notes(session: Session) -> list[str]:
    found = [
        f"- {title(session, row)}: {text}."
        for row in shown(session)
        for text in _said(session, row)
    ]
    return ["", *found] if found else []


def _said(session: Session, row: Row) -> list[str]:
    notes = list(session.notes.get(row.id, []))
    if row.ranges:
        notes.append("from the least to the greatest: " + _each(session, row.id, _range))
    if f"{row.id}/rss" in session.samples:
        notes.append(
            "resident, nothing counted as shared: " + _each(session, f"{row.id}/rss", _middle)
        )
    return notes


def _each(session: Session, samples: str, show: Callable[[list[float]], str]) -> str:
    return ", ".join(f"{name} {show(found)}" for name, found in session.samples[samples].items())


def _range(values: list[float]) -> str:
    return f"{_number(min(values))} to {_number(max(values))}"


def _middle(values: list[float]) -> str:
    return _number(statistics.median(values))


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def write(prefix: Path, session: Session, about: dict[str, Any]) -> None:
    prefix.with_suffix(".json").write_text(json.dumps(as_data(session, about), indent=1) + "\n")
    prefix.with_suffix(".md").write_text(as_markdown(session, about))
    middles = {row.id: medians(session, row.id) for row in shown(session)}
    prefix.with_suffix(".svg").write_text(svg(middles))
