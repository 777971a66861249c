"""acceptance.inside.article, step by step."""

import pytest

from acceptance.conftest import Results
from acceptance.inside.article import STEPS


@pytest.mark.parametrize("step", [step.__name__ for step in STEPS])
def test_step(step: str, results: Results) -> None:
    results.check("article", step)
