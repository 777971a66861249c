"""How svscan and supervise refuse what they cannot work on: one line, and the classic exit code."""

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.scan import BIN


def refused(program: str, *arguments: str, cwd: Path | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_scan_directory_that_everybody_can_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    said = f"svscan: fatal: {tmp_path} can be written by everybody: chmod o-w\n"
    assert refused("svscan", str(tmp_path)) == (111, said)


@pytest.mark.parametrize("program", ["svscan", "supervise"])
def test_a_directory_that_is_not_there(program: str, tmp_path: Path) -> None:
    said = f"{program}: fatal: unable to chdir to nothing: file does not exist\n"
    assert refused(program, "nothing", cwd=tmp_path) == (111, said)


@pytest.mark.parametrize("program", ["svscan", "supervise"])
def test_a_file(program: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = f"{program}: fatal: unable to chdir to file: not a directory\n"
    assert refused(program, "file", cwd=tmp_path) == (111, said)


def test_a_name_cannot_break_the_line(tmp_path: Path) -> None:
    code, said = refused("svscan", "no\nsuch\x1b[31m", cwd=tmp_path)
    assert (code, said.count("\n")) == (111, 1)
    assert "\x1b" not in said


@pytest.mark.parametrize("program", ["svscan", "supervise"])
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version(program: str, option: str) -> None:
    done = subprocess.run([BIN / program, option], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    begins = (
        f"usage: {program} "
        if option == "--help"
        else f"{program}, of supervise {version('supervise')}"
    )
    assert done.stdout.startswith(begins)


@pytest.mark.parametrize("words", [[], ["a", "b"], ["--nonsense"], ["--nonsense", "a"]])
def test_wrong_usage_of_supervise(words: list[str]) -> None:
    code, said = refused("supervise", *words)
    assert (code, said.count("\n")) == (100, 1)
    assert said.startswith("supervise: usage: ")


@pytest.mark.parametrize("words", [["--nonsense"], ["--interval=x"], ["--interval=-1"], ["a", "b"]])
def test_wrong_usage_of_svscan(words: list[str]) -> None:
    code, said = refused("svscan", *words)
    assert (code, said.count("\n")) == (100, 1)
    assert said.startswith("svscan: usage: ")


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    start = f'cd "{gone}" && rmdir "{gone}" && exec "{BIN / "svscan"}"'
    done = subprocess.run(["sh", "-c", start], capture_output=True, timeout=60)
    assert done.returncode == 111
    assert done.stderr.count(b"\n") == 1
    assert os.fsencode("Traceback") not in done.stderr
