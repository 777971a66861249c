"""Each scenario, a small shell script, prints the same with daemontools's programs, with ours, and
with the clients of the one on the supervisor of the other: what its `.exp` says.

With UPDATE_TRANSCRIPTS=1 in the environment the `.exp` are written anew from daemontools.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.scan import MARK

HERE = Path(__file__).parent
SCENARIOS = sorted(path.stem for path in HERE.glob("*.sh") if path.stem != "preamble")
ENGINE = ("supervise", "svscan")
CLIENTS = ("svc", "svok", "svstat")
SOURCES = {"daemontools": Path("/usr/bin"), "ours": Path(sys.executable).parent}
SECONDS = 120


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    ("engine", "clients"),
    [
        ("daemontools", "daemontools"),
        ("ours", "ours"),
        ("daemontools", "ours"),
        ("ours", "daemontools"),
    ],
)
def test_transcript(scenario: str, engine: str, clients: str, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    _install(programs, ENGINE, engine)
    _install(programs, CLIENTS, clients)
    printed = _run(scenario, programs, tmp_path)
    expected = HERE / f"{scenario}.exp"
    if os.environ.get("UPDATE_TRANSCRIPTS") and engine == clients == "daemontools":
        expected.write_bytes(printed)
    assert _lines(printed) == _lines(expected.read_bytes())


def _install(programs: Path, names: tuple[str, ...], source: str) -> None:
    for name in names:
        program = SOURCES[source] / name
        if not program.exists():
            pytest.skip(f"{program} is not installed")
        (programs / name).symlink_to(program)


def _run(scenario: str, programs: Path, tmp_path: Path) -> bytes:
    work = tmp_path / "work"
    work.mkdir()
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C", MARK: os.environ[MARK]}
    scripts = [str(HERE / "preamble.sh"), str(HERE / f"{scenario}.sh")]
    command = ["sh", "-c", '. "$0"; . "$1"', *scripts]
    transcript = tmp_path / "transcript"
    with transcript.open("wb") as output:
        shell = subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            shell.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
            output.write(b"FAILED: not over in time\n")
    return transcript.read_bytes()


def _lines(transcript: bytes) -> list[str]:
    return transcript.decode("latin-1").splitlines()
