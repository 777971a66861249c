"""A scan directory with real services under a real svscan, for tests."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from supervise.engine import processes
from supervise.protocol import record
from supervise.protocol.record import Record

BIN = Path(sys.executable).parent
DEADLINE = 30.0
"""Seconds until a test gives up waiting. Long, because the machines are noisy; only a failing test
ever waits for it."""

PAUSE = 0.01

MARK = "SUPERVISE_TESTS"
"""In the environment of all that the tests of one process start: who they are."""

T = TypeVar("T")

SLEEPER = '#!/bin/sh\necho "$0 $$" >>../starts\nexec sleep 1000\n'


def eventually(look: Callable[[], T], what: Callable[[], str] | str, pause: float = PAUSE) -> T:
    """The first true value that `look` returns; fails with `what` when it does not come."""
    end = time.monotonic() + DEADLINE
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {what if isinstance(what, str) else what()}")
        time.sleep(pause)


def program(path: Path, text: str) -> None:
    """Written beside and renamed, so that it is never executed half."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.chmod(0o755)
    new.rename(path)


class Scan:
    """A scan directory. Service directories lie in `services`, links to them in `home`."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self.home = base / "service"
        self.services = base / "services"
        self.home.mkdir()
        self.services.mkdir()
        self.messages = base / "messages"
        self.messages.touch()
        self.svscan: subprocess.Popen[bytes] | None = None
        self.program = BIN / "svscan"

    # Setting up

    def service(self, name: str, run: str = SLEEPER, **files: str) -> Path:
        """A complete service directory, not yet linked. A keyword is a file: `__` stands for `/`,
        `_` for `-`; what begins with #! becomes executable."""
        directory = self.services / name
        directory.mkdir()
        for key, text in files.items():
            path = directory / key.replace("__", "/").replace("_", "-")
            path.parent.mkdir(exist_ok=True)
            (program if text.startswith("#!") else Path.write_text)(path, text)
        program(directory / "run", run)
        return directory

    def link(self, name: str) -> None:
        (self.home / name).symlink_to(self.services / name)

    def add(self, name: str, run: str = SLEEPER, **files: str) -> Path:
        directory = self.service(name, run, **files)
        self.link(name)
        return directory

    # svscan

    def start(self, *options: str) -> "subprocess.Popen[bytes]":
        """A svscan, and when it supervises what is linked already."""
        return self.launch(self.program, *options, self.home)

    def launch(
        self, *words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """A svscan that is started by this command."""
        with self.messages.open("ab") as err:
            self.svscan = subprocess.Popen(
                words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stderr=err
            )
        return self.svscan

    def kill(self) -> None:
        """SIGKILL of svscan."""
        assert self.svscan is not None
        self.svscan.kill()
        self.svscan.wait(DEADLINE)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask svscan to end; its exit code."""
        assert self.svscan is not None
        self.send(number)
        return self.svscan.wait(DEADLINE)

    def send(self, number: int) -> None:
        """A signal to svscan."""
        assert self.svscan is not None
        self.svscan.send_signal(number)

    def said(self) -> str:
        return self.messages.read_text(errors="surrogateescape")

    def says(self, text: str) -> None:
        """Wait until svscan has said this."""
        eventually(lambda: text in self.said(), lambda: f"{text!r} in {self.said()!r}")

    # Services

    def record(self, name: str) -> Record | None:
        """None where there is none yet."""
        try:
            return record.unpack((self.services / name / "supervise/state").read_bytes())
        except (OSError, ValueError):
            return None

    def until(self, name: str, wanted: Callable[[Record], object]) -> Record:
        """The record of the service, as soon as it is as wanted."""

        def look() -> Record | None:
            found = self.record(name)
            return found if found is not None and wanted(found) else None

        found = eventually(look, lambda: f"{name}: {self.shown(name)}; {self.said()}")
        assert found is not None
        return found

    def state(self, name: str, state: str) -> Record:
        return self.until(name, lambda found: found.state == state)

    def up(self, name: str, beside: int = 0) -> int:
        """The pid, as soon as an instance is up that is not the one with pid `beside`."""
        return self.until(
            name, lambda found: found.state == "up" and found.pid and found.pid != beside
        ).pid

    def shown(self, name: str) -> str:
        found = self.record(name)
        return str({key: getattr(found, key) for key in Record.__slots__}) if found else "none"

    def control(self, name: str, letters: str) -> None:
        """As svc does: one write."""
        path = self.services / name / "supervise/control"
        fd = eventually(lambda: _open_control(path), f"somebody reads {path}")
        os.write(fd, letters.encode("latin-1"))
        os.close(fd)

    def starts(self) -> list[str]:
        """What SLEEPERs wrote, a line each start."""
        path = self.services / "starts"
        return path.read_text().splitlines() if path.exists() else []

    # The end

    def close(self) -> None:
        """End svscan and whatever of the services it left."""
        if self.svscan is not None and self.svscan.poll() is None:
            self.kill()
        eventually(self._all_killed, "the end of the services")

    def _all_killed(self) -> bool:
        """Again and again: svscan may have died while it was starting one."""
        left = list(self.ours())
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    def ours(self) -> Iterator[int]:
        """As `supervised`: one test has one scan directory."""
        return supervised()


def supervised() -> Iterator[int]:
    """Living processes that a supervisor started which these tests started. Where their directory
    is does not matter: it may be moved, removed or no longer mounted."""
    ours = f"{MARK}={os.environ[MARK]}".encode()
    for pid in processes.all_pids():
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if ours in words and any(word.startswith(b"SUPERVISE_NONCE=") for word in words):
                yield pid


def _open_control(path: Path) -> int | None:
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
