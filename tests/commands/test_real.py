"""The waiting clients on real supervisors: ours, and daemontools's own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervise.commands.view import look
from tests.commands.client import BIN, client
from tests.support.scan import DEADLINE, SLEEPER, Scan, eventually, program

SUPERVISORS = {"ours": BIN / "supervise", "daemontools": Path("/usr/bin/supervise")}


class Supervised:
    """A service that is normally down."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def client(self, *command: str) -> int:
        name, *options = command
        return subprocess.run([BIN / name, *options, self.path], timeout=DEADLINE).returncode

    def pid(self) -> int:
        return look(bytes(self.path)).pid


@pytest.fixture(params=list(SUPERVISORS))
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Supervised]:
    supervisor = SUPERVISORS[request.param]
    if not supervisor.exists():
        pytest.skip(f"{supervisor} is not installed")
    path = tmp_path / "service"
    path.mkdir()
    (path / "down").touch()
    program(path / "run", SLEEPER)
    with subprocess.Popen([supervisor, path], stdin=subprocess.DEVNULL) as running:
        found = Supervised(path)
        eventually(lambda: found.client("svok") == 0, "supervise answers")
        yield found
        subprocess.run([BIN / "svc", "-dxck", path], check=True)
        running.wait(DEADLINE)


def test_up_restart_pause_down(service: Supervised) -> None:
    assert service.client("svwait", "-d") == 0
    assert service.client("svc", "--wait", "-u") == 0
    assert service.client("svup") == 0
    first = service.pid()
    assert service.client("svc", "--wait", "-u") == 0
    assert service.pid() == first
    for letters in ("-t", "-k", "-i", "-du"):
        assert service.client("svc", "--wait", letters) == 0
        second = service.pid()
        assert second not in (0, first)
        first = second
    assert service.client("svc", "--wait", "-p") == 0
    assert look(bytes(service.path)).paused
    assert service.client("svc", "--wait", "-c") == 0
    assert not look(bytes(service.path)).paused
    assert service.client("svwait", "-r") == 0
    assert service.client("svc", "--wait", "-d") == 0
    assert service.pid() == 0


def test_what_cannot_happen(service: Supervised) -> None:
    assert service.client("svc", "--wait", "-t") == 1
    assert service.client("svc", "--wait", "-p") == 1
    assert service.client("svwait", "-u", "-t", "0.01") == 99


def test_once_and_exit(service: Supervised) -> None:
    assert service.client("svc", "--wait", "-o") == 0
    assert service.pid()
    assert service.client("svc", "--wait", "-k") == 1
    assert service.client("svc", "--wait", "-ud") == 0
    assert service.client("svc", "--wait", "-x") == 0
    assert service.client("svok") == 100
    assert service.client("svc", "--wait", "-u") == 102
    assert service.client("svwait", "-d") == 102


def test_ready_is_when_the_service_says_so(scan: Scan) -> None:
    talker = "#!/bin/sh\nread -r word <go\necho >&3\nexec sleep 1000\n"
    path = scan.add("talker", talker, notification_fd="3\n")
    os.mkfifo(path / "go")
    scan.start()
    scan.up("talker")
    with client("svwait", "-r", path) as svwait, client("svc", "--wait", "-u", path) as svc:
        svwait.asleep()
        svc.asleep()
        (path / "go").write_text("go\n")
        assert svwait.outcome() == (0, "")
        assert svc.outcome() == (0, "")


def test_a_restart_of_many(scan: Scan) -> None:
    names = [f"s{number}" for number in range(30)]
    for name in names:
        scan.add(name)
    scan.start()
    before = {name: scan.up(name) for name in names}
    with client("svc", "--wait", "-t", *[scan.home / name for name in names]) as svc:
        assert svc.outcome() == (0, "")
    for name in names:
        found = scan.record(name)
        assert found is not None
        assert found.state == "up"
        assert found.pid not in (0, before[name])
