"""Fixtures for the tests of the clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.fake import Fake, supervised


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with supervised(tmp_path / "service") as found:
        yield found
