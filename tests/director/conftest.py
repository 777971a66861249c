"""Fixtures for the tests of keepalived's service directory."""

from pathlib import Path

import pytest

from tests.director.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)
