"""keepalived/box/run, that is `make run`: the real keepalived in real namespaces, nothing left."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = ROOT / "keepalived" / "box" / "run"
BIN = Path(sys.executable).parent
HOLDS = "keepalived is up and holds 192.168.0.151"
DOWN = "All is down."

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, for namespaces")
needs_keepalived = pytest.mark.skipif(
    not (shutil.which("keepalived", path=os.defpath + ":/usr/sbin") or shutil.which("apt-get")),
    reason="keepalived is not installed, and cannot be without apt-get",
)


class Box:
    """The runner, as our child in a process group of its own, and what it has said so far."""

    def __init__(self, *command: str, terminal: bool = False) -> None:
        self.terminal = terminal
        self.reader, writer = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            [*(["setsid", "--ctty"] if terminal else []), *command],
            stdin=writer if terminal else subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            start_new_session=not terminal,
        )
        os.close(writer)
        self.said = ""

    def read(self, deadline: float) -> bool:
        """Hear more. False: everybody who could say something has ended."""
        ready, _, _ = select.select([self.reader], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"nothing more in time, after:\n{self.said}"
        try:
            data = os.read(self.reader, 65536)
        except OSError:  # what a terminal says at its end
            data = b""
        self.said += data.decode()
        return bool(data)

    def until(self, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.said:
            if not self.read(deadline):
                if "unable to install keepalived" in self.said:
                    pytest.skip("keepalived cannot be installed here")
                pytest.fail(f"ended without {text!r}:\n{self.said}")

    def until_the_end(self, seconds: float = 60) -> int:
        deadline = time.monotonic() + seconds
        while self.read(deadline):
            pass
        return self.process.wait(timeout=seconds)

    def namespaces(self) -> set[str]:
        """The namespaces of the box, asked of its svscan."""
        svscan = int(self.said.partition("nsenter -t ")[2].split()[0])
        inside = {os.readlink(f"/proc/{svscan}/ns/{kind}") for kind in ("net", "mnt", "pid")}
        outside = {os.readlink(f"/proc/self/ns/{kind}") for kind in ("net", "mnt", "pid")}
        assert not inside & outside
        return inside

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.reader >= 0:
            os.close(self.reader)

    def hang_up(self) -> None:
        os.close(self.reader)
        self.reader = -1


@pytest.fixture
def box() -> Iterator[Callable[..., Box]]:
    boxes: list[Box] = []

    def start(*command: str, terminal: bool = False) -> Box:
        boxes.append(Box(*(command or (str(RUN), str(BIN))), terminal=terminal))
        return boxes[-1]

    yield start
    for each in boxes:
        each.close()


def namespaces_in_use() -> set[str]:
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        for kind in ("net", "mnt", "pid"):
            try:
                found.add(os.readlink(process / "ns" / kind))
            except OSError:  # it has ended
                pass
    return found


def files_of_the_checkout() -> set[str]:
    found = set()
    for top in ("keepalived", "services"):
        for directory, below, files in os.walk(ROOT / top):
            found |= {os.path.join(directory, name) for name in below + files}
    return found


def addresses() -> set[str]:
    """Of what the box has, what this machine has."""
    shown = subprocess.run(["ip", "-o", "address"], capture_output=True, text=True).stdout
    return {line for line in shown.splitlines() if "bond0.2" in line or "192.168.0.15" in line}


class Before:
    """What there is outside, to compare with what there is after. Other tests may run meanwhile."""

    def __init__(self) -> None:
        self.files = files_of_the_checkout()
        self.mounts = Path("/proc/self/mounts").read_text()
        self.addresses = addresses()

    def assert_nothing_is_left(self, namespaces: set[str]) -> None:
        deadline = time.monotonic() + 30
        while namespaces & namespaces_in_use():
            assert time.monotonic() < deadline, "somebody still lives in there"
        assert files_of_the_checkout() == self.files
        assert Path("/proc/self/mounts").read_text() == self.mounts
        assert addresses() == self.addresses


@needs_root
@needs_keepalived
class TestBox:
    def test_shows_the_virtual_address_and_leaves_nothing(self, box: Callable[..., Box]) -> None:
        before = Before()
        run = box()
        run.until(HOLDS)
        assert "services/keepalived: up (pid " in run.said
        assert " inet 192.168.0.151/32 scope global bond0.2" in run.said
        assert "(VI_1) Entering MASTER STATE" in run.said
        namespaces = run.namespaces()
        look = run.said.partition("To look inside: ")[2].splitlines()[0]
        seen = subprocess.run(look.split(), capture_output=True, text=True, cwd="/")
        assert "keepalived: up (pid " in seen.stdout
        inside = [*look.split()[:-2], BIN / "director", "status", ROOT / "services/keepalived"]
        status = subprocess.run(inside, capture_output=True, text=True, cwd="/")
        assert (status.returncode, status.stderr) == (0, "")
        assert "keepalived OK: up " in status.stdout
        assert "VI_1 MASTER" in status.stdout
        assert "192.168.0.151 on bond0.2" in status.stdout
        assert addresses() == before.addresses
        assert files_of_the_checkout() == before.files, "the checkout stays untouched"

        os.killpg(run.process.pid, signal.SIGINT)  # as Ctrl-C does
        assert run.until_the_end() == 0
        assert DOWN in run.said
        assert re.search(r"Keepalived_vrrp\[\d+\]: Stopped", run.said), (
            "keepalived was asked, and ended by itself"
        )
        before.assert_nothing_is_left(namespaces)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_to_the_script_alone(
        self, box: Callable[..., Box], number: signal.Signals
    ) -> None:
        before = Before()
        run = box()
        run.until(HOLDS)
        namespaces = run.namespaces()
        run.process.send_signal(number)
        assert run.until_the_end() == 0
        assert DOWN in run.said
        before.assert_nothing_is_left(namespaces)

    def test_the_terminal_vanishes(self, box: Callable[..., Box]) -> None:
        before = Before()
        run = box(terminal=True)
        run.until(HOLDS)
        namespaces = run.namespaces()
        run.hang_up()
        assert run.process.wait(timeout=60) == 0
        before.assert_nothing_is_left(namespaces)

    def test_killed(self, box: Callable[..., Box]) -> None:
        before = Before()
        run = box()
        run.until(HOLDS)
        namespaces = run.namespaces()
        run.process.kill()
        assert run.until_the_end() == -signal.SIGKILL
        before.assert_nothing_is_left(namespaces)

    @pytest.mark.parametrize("moment", ["To look inside: ", "Startup complete"])
    def test_interrupted_before_it_is_up(self, box: Callable[..., Box], moment: str) -> None:
        before = Before()
        run = box()
        run.until(moment)
        namespaces = run.namespaces()
        os.killpg(run.process.pid, signal.SIGINT)
        assert run.until_the_end(seconds=20) == 0, "svscan did not have to be killed"
        assert DOWN in run.said
        assert HOLDS not in run.said
        before.assert_nothing_is_left(namespaces)

    @pytest.mark.skipif(
        ROOT.is_relative_to("/tmp"), reason="the programs would be in a /tmp that the box hides"
    )
    def test_a_checkout_below_tmp_that_cannot_be_written(
        self, box: Callable[..., Box], tmp_path: Path
    ) -> None:
        checkout = tmp_path / "checkout"
        for part in ("keepalived", "services"):
            shutil.copytree(ROOT / part, checkout / part, symlinks=True)
        read_only = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$@"'
        run = box(
            *(
                "unshare",
                "--mount",
                "sh",
                "-c",
                read_only.replace("$@", '$1/keepalived/box/run" "$2'),
            ),
            *("sh", str(checkout), str(BIN)),
        )
        run.until(HOLDS)
        run.process.terminate()
        assert run.until_the_end() == 0


@needs_root
@needs_keepalived
def test_svscan_ends_by_itself(box: Callable[..., Box], tmp_path: Path) -> None:
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python3").symlink_to(sys.executable)
    (programs / "svscan").write_text("#!/bin/sh\nexit 3\n")
    (programs / "svscan").chmod(0o755)
    run = box(str(RUN), str(programs))
    run.until("svscan ended by itself, exit 3")
    assert run.until_the_end() == 1


def test_interrupted_while_it_imports(tmp_path: Path) -> None:
    interrupt = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "shutil.py").write_text(interrupt)
    done = subprocess.run(
        [sys.executable, RUN.parent / "watch.py"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def refusal(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@needs_root
def test_not_root(tmp_path: Path) -> None:
    # A copy, for the checkout may be where only root can go.
    os.chmod(tmp_path, 0o755)
    line = refusal(
        *("unshare", "--mount", "sh", "-c"),
        'mount --bind "$1" /mnt && exec setpriv --reuid 65534 --clear-groups /mnt/run',
        *("sh", str(RUN.parent)),
    )
    assert line == "keepalived/box/run: needs root, for namespaces of its own: sudo make run"


@needs_root
def test_neither_keepalived_nor_apt_get() -> None:
    hide = 'for p in keepalived apt-get; do p=$(command -v $p) && mount --bind /dev/null "$p"; done'
    line = refusal("unshare", "--mount", "sh", "-c", f'{hide}; exec "$@"', "sh", str(RUN), str(BIN))
    assert "keepalived is missing, and so is apt-get: install keepalived" in line


def test_not_built(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root to come so far")
    assert f"{tmp_path}: no svscan there: 'make venv' builds it" in refusal(str(RUN), str(tmp_path))
