"""The boxes: all are booted at once, and each test shows one step of one of them."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from acceptance.box import INIT, UML, Box
from acceptance.table import rows_of, table

PROGRAMS = ("article", "faults", "pair")
SECONDS = 420  # all of them together
NEEDED = ("keepalived", "ipvsadm", "rsyslogd", "modprobe", "ip")
TABLES = pytest.StashKey[list[str]]()
PATH = os.defpath + ":/usr/sbin:/sbin"


class Results:
    """What the steps of the boxes came to; waits for a box that has not ended yet."""

    def __init__(self, boxes: dict[str, Box]) -> None:
        self._boxes = boxes
        self._known: dict[str, dict[str, Any]] = {}

    def of(self, program: str) -> dict[str, Any]:
        """Each step's {"failure", "measured"}, by its name."""
        if program not in self._known:
            box = self._boxes[program]
            box.wait(SECONDS)
            file = box.results / f"{program}.json"
            assert file.exists(), f"no results; the box said:\n{box.said()}"
            self._known[program] = json.loads(file.read_text())
        return self._known[program]

    def check(self, program: str, step: str) -> None:
        """Fails with what the step failed with."""
        result = self.of(program).get(step)
        assert result, f"the box ended before this step; it said:\n{self._boxes[program].said()}"
        assert result["failure"] is None, result["failure"]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for text in config.stash.get(TABLES, []):
        terminalreporter.write_line(f"\n{text}")


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> Iterator[Results]:
    missing = [name for name in NEEDED if not shutil.which(name, path=PATH)]
    assert not missing, f"missing: {', '.join(missing)}: `make acceptance` installs them"
    assert (UML / "user-mode-linux").exists(), "no user-mode Linux: `make acceptance` fetches it"
    wanted = {item.path.stem.removeprefix("test_") for item in request.session.items}
    boxes: dict[str, Box] = {}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the boxes are ended
    try:
        for program in PROGRAMS:
            if program in wanted:
                boxes[program] = Box(INIT, PROGRAM=program)
        yield (known := Results(boxes))
        request.config.stash[TABLES] = [
            table(f"{program}: what a client saw", rows_of(known.of(program)))
            for program in ("faults", "pair")
            if program in boxes and (boxes[program].results / f"{program}.json").exists()
        ]
    finally:
        for box in boxes.values():
            box.end()
