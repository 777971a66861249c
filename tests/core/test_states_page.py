"""docs/states.md says what the table says."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_made_from_the_table_as_it_is() -> None:
    made = runpy.run_path(str(DOCS / "states.py"))["page"]()
    assert made == (DOCS / "states.md").read_text(), (
        "the table has changed; run: .venv/bin/python docs/states.py > docs/states.md"
    )
