"""Fixtures for the tests of taking over: processes that are children of the test."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.heritage import Debian, Sleeper, Started
from tests.support.scan import Scan

DEBIAN = Path("/usr/bin/supervise")


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """Starts `sleep` in a directory, as an instance would be, and ends it after the test."""
    with ExitStack() as stack:

        def start(where: Path, nonce: bytes = b"", session: bool = True) -> Started:
            environment = os.environ | ({"SUPERVISE_NONCE": nonce.hex()} if nonce else {})
            child = stack.enter_context(
                subprocess.Popen(
                    ["sleep", "1000"], cwd=where, env=environment, start_new_session=session
                )
            )
            stack.callback(child.kill)
            return child

        yield start


@pytest.fixture
def debian(scan: Scan) -> Iterator[Debian]:
    if not DEBIAN.exists():
        pytest.skip("needs Debian's daemontools")
    with ExitStack() as stack:

        def start(directory: Path) -> Started:
            # With a nonce, so that what it starts is found and ended after the test.
            environment = os.environ | {"SUPERVISE_NONCE": "none"}
            child = stack.enter_context(subprocess.Popen([DEBIAN, directory], env=environment))
            stack.callback(child.kill)
            return child

        yield start
