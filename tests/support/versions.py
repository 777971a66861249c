"""Copies of the package that can be changed, and replaced under a running svscan."""

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import supervise
from tests.support.gate import Gate
from tests.support.scan import Scan, eventually, program

PACKAGE = Path(supervise.__file__).parent

PROGRAM = """#!{python}
import os, sys
{prelude}
sys.path.insert(0, {library!r})
from supervise.commands.{name} import main

main()
"""

DEAF = """
if "SUPERVISE_HANDOVER" in os.environ:
    open({deaf!r}, "w").close()
    with open({gate!r}) as gate:
        gate.readline()
"""
"""At an upgrade, wait for the test before anything is imported."""


class Installed:
    """A program, and the package that it finds, as pip would have put them there."""

    def __init__(self, base: Path, name: str = "svscan") -> None:
        self.library = base / "library"
        self.package = self.library / "supervise"
        shutil.copytree(PACKAGE, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        self.program = base / name
        self._name = name
        self.write_program()

    def write_program(self, prelude: str = "", python: str = sys.executable) -> None:
        library = str(self.library)
        text = PROGRAM.format(python=python, library=library, name=self._name, prelude=prelude)
        program(self.program, text)

    def change(self, module: str, old: str, new: str) -> None:
        """Of the version that will be started next."""
        path = self.package / module
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} in {module}"
        path.write_text(text.replace(old, new))


def ask(scan: Scan) -> None:
    scan.send(signal.SIGUSR2)


def upgraded(scan: Scan, times: int = 1) -> None:
    """Wait until svscan has become its newer self so often."""
    eventually(lambda: scan.said().count("upgraded in place") == times, scan.said)


def upgrade(scan: Scan, times: int = 1) -> None:
    ask(scan)
    upgraded(scan, times)


def refused(scan: Scan, times: int = 1) -> str:
    """Wait until svscan has said so often that it was not upgraded; the last such line."""

    def look() -> list[str]:
        lines = [line for line in scan.said().splitlines() if "not upgraded" in line]
        return lines if len(lines) == times else []

    return eventually(look, scan.said)[-1]


class Slow:
    """A svscan that takes as long to be upgraded as the test wants."""

    def __init__(self, scan: Scan) -> None:
        base = scan.home.parent
        self._scan = scan
        self._deaf = base / "deaf"
        self._gate = Gate(base / "gate-of-the-new")
        self.installed = Installed(base)
        self.write_program()
        scan.program = self.installed.program

    def write_program(self) -> None:
        gate = str(self._gate.path)
        self.installed.write_program(DEAF.format(deaf=str(self._deaf), gate=gate))

    @contextmanager
    def upgrade(self) -> Iterator[None]:
        """What is done inside is done between the old and the new one."""
        times = self._scan.said().count("upgraded in place")
        ask(self._scan)
        eventually(self._deaf.exists, self._scan.said)
        yield
        self._deaf.unlink()
        self._gate.open()
        upgraded(self._scan, times + 1)
