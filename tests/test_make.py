"""`make venv`, with stubs of Python and pip: when it is made, made anew, and left alone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.scan import program

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
[ "$*" = '-m venv .venv' ] || exit 0
mkdir -p .venv/bin
ln -sf "$0" .venv/bin/python3
ln -sf python3 .venv/bin/python
cp pip .venv/bin/
"""
PIP = """#!/bin/sh
case $1 in install) echo "$PWD" >>{calls}; [ ! -e {broken} ];; esac
"""

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


class Checkout:
    def __init__(self, base: Path) -> None:
        self.path = base / "checkout"
        self.broken = base / "broken"
        self.python = base / "python3"
        self._calls = base / "calls"
        for name in ("supervise/programs", "docs/man"):
            shutil.copytree(ROOT / name, self.path / name)
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, self.path)
        program(self.path / "pip", PIP.format(calls=self._calls, broken=self.broken))
        self.host("3.11")

    def host(self, version: str) -> None:
        """This machine has this Python."""
        path = self.python.with_name(f"python{version}")
        program(path, PYTHON)
        self.python.unlink(missing_ok=True)
        self.python.symlink_to(path)

    @property
    def witness(self) -> Path:
        """In the venv, and gone when it was made anew."""
        return self.path / ".venv" / "witness"

    def make(self) -> int:
        """How often pip installed something."""
        self._calls.write_text("")
        command = ["make", "venv", f"PYTHON={self.python}"]
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True, timeout=60)
        assert (done.returncode != 0) == self.broken.exists(), done.stderr
        return len(self._calls.read_text().splitlines())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    found = Checkout(tmp_path)
    assert found.make() == 1
    found.witness.touch()
    return found


def test_what_works_is_left_alone(checkout: Checkout) -> None:
    assert checkout.make() == 0
    assert checkout.witness.exists()


def test_a_checkout_that_was_moved(checkout: Checkout) -> None:
    checkout.path = checkout.path.rename(checkout.path.with_name("moved"))
    assert checkout.make() == 1
    assert not checkout.witness.exists()
    assert checkout.make() == 0


def test_another_python(checkout: Checkout) -> None:
    checkout.host("3.13")
    assert checkout.make() == 1
    assert not checkout.witness.exists()
    assert checkout.make() == 0


def test_a_python_that_has_gone(checkout: Checkout) -> None:
    checkout.host("3.13")
    checkout.python.with_name("python3.11").unlink()
    assert checkout.make() == 1
    assert not checkout.witness.exists()


def test_one_that_was_never_finished(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.broken.touch()
    assert checkout.make() == 1
    checkout.witness.touch()
    checkout.broken.unlink()
    assert checkout.make() == 1
    assert not checkout.witness.exists()


@pytest.mark.parametrize("name", ["docs/man/svc.8", "supervise/programs/svc", "pyproject.toml"])
def test_what_has_changed_is_installed_into_it(checkout: Checkout, name: str) -> None:
    os.utime(checkout.path / name, (4e9, 4e9))
    checkout.broken.touch()
    assert checkout.make() == 1
    assert checkout.witness.exists(), "without a network the old one is better than none"
    os.utime(checkout.path / name)
    checkout.broken.unlink()
    assert checkout.make() == 1
    assert checkout.witness.exists()
    assert checkout.make() == 0
