"""What the boxes measured, as tables for people."""

from collections.abc import Sequence
from typing import Any

Row = tuple[str, dict[str, float | str]]
ABOUT = (
    "A client asks through the virtual address 20 times a second, and gives a request up after 1 s."
    " failed: such requests; longest gap: seconds between two answers. The others are seconds from"
    " the fault; `-`: did not happen. The clients' gap without any fault is 0.05 s."
)


def rows_of(results: dict[str, Any]) -> list[Row]:
    """The steps that measured an outage, or failed at it."""
    rows: list[Row] = []
    for step, result in results.items():
        name = step.replace("_", " ")
        if result["failure"]:
            rows.append((name, {"failed": "the step failed"}))
        elif isinstance(result["measured"], dict):
            rows.append((name, result["measured"]))
    return rows


def table(title: str, rows: Sequence[Row]) -> str:
    """In Markdown; the columns are all that any row has."""
    columns = list(dict.fromkeys(column for _, measured in rows for column in measured))
    lines = [[title, *columns], ["---", *("---:" for _ in columns)]]
    for name, measured in rows:
        lines.append([name, *(_text(measured.get(column)) for column in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: float | str | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
