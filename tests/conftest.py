"""Fixtures for all tests."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scan import MARK, Scan, eventually, supervised

# Tests change modules of the same size within one second, which a compiled one does not notice.
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

# Ignored under nohup and in the background of a script, which what is started would inherit.
for _number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(_number, signal.SIG_DFL)


os.environ[MARK] = os.urandom(8).hex()


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """What a supervisor started must not outlive the test, but for what ends by itself at once."""
    yield
    eventually(lambda: not list(supervised()), lambda: f"their end: {list(supervised())}")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory on tmpfs where there is one: disks are noisy."""
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as path:
        yield Path(path)


@pytest.fixture
def scan(short_path: Path) -> Iterator[Scan]:
    found = Scan(short_path)
    try:
        yield found
    finally:
        found.close()
