"""Clients as processes, and what they are waiting for."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.scan import DEADLINE, eventually

BIN = Path(sys.executable).parent


class Client:
    """A client that runs."""

    def __init__(self, *command: "str | Path | bytes") -> None:
        name, *arguments = command
        self.process = subprocess.Popen(
            [BIN / str(name), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def asleep(self) -> None:
        """Return when it waits in poll."""
        where = Path(f"/proc/{self.process.pid}/wchan")
        eventually(lambda: "poll" in where.read_text() or not self.runs(), "the client waits")
        assert self.runs()

    def runs(self) -> bool:
        return self.process.poll() is None

    def code(self) -> int:
        return self.process.wait(DEADLINE)

    def outcome(self) -> tuple[int, str]:
        """Its exit code and what it said on standard error."""
        _, said = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, said

    def close(self) -> None:
        if self.runs():
            self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def client(*command: "str | Path | bytes") -> Iterator[Client]:
    found = Client(*command)
    try:
        yield found
    finally:
        found.close()
