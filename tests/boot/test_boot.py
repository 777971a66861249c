"""svscan as docs/boot has it, under the real systemd and sysvinit: taking over works there."""

import os
from pathlib import Path

import pytest

from acceptance.box import ROOT, UML, Box
from tests.boot.inside.services import WELL

PATIENCE = 170
"""Seconds that a box may run."""

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        os.geteuid() != 0, reason="needs root: the files of the machine are the box's"
    ),
    pytest.mark.skipif(
        not (UML / "user-mode-linux").exists(), reason="needs user-mode Linux: `make box`"
    ),
]


def boot(pid1: str, program: str) -> None:
    """A box in which tests.boot.inside.`program` finds that all is well."""
    with Box(ROOT / "tests/boot" / pid1, PROGRAM=program) as box:
        box.wait(PATIENCE)
        said = box.results / "said"
        assert said.exists(), box.said()
        assert said.read_text() == WELL


@pytest.mark.skipif(not Path("/lib/systemd/systemd").exists(), reason="needs systemd's files")
@pytest.mark.parametrize("program", ["systemd", "oom"])
def test_systemd(program: str) -> None:
    boot("systemd", program)


def test_sysvinit() -> None:
    boot("sysvinit", "sysvinit")
