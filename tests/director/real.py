"""The real keepalived under a real svscan, in namespaces of its own, and `director` beside it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.director.service import INSTANCE, INTERFACES, KEEPALIVED, OWN_FILES, PATH
from tests.support.gate import answers
from tests.support.scan import DEADLINE, eventually, program

BIN = Path(sys.executable).parent
ALL = ("-m", "-n", "-p")
"""nsenter's options for all namespaces of the box."""


class Box:
    """`director`, the service directory, is in the scan directory `scan`; `observer` may be."""

    def __init__(self, base: Path, configuration: str = INSTANCE) -> None:
        self.scan = base / "scan"
        self.directory = base / "director"
        self.configuration = base / "keepalived.conf"
        self.configuration.write_text(configuration)
        leave_out = shutil.ignore_patterns("supervise", "box")
        shutil.copytree(KEEPALIVED, self.directory, ignore=leave_out)
        self.set("CONFIGURATION", str(self.configuration))
        self.scan.mkdir()
        (self.scan / "director").symlink_to(self.directory)
        self.messages = base / "messages"
        self._init: subprocess.Popen[bytes] | None = None
        self._svscan = 0

    def set(self, name: str, content: str) -> None:
        (self.directory / "env" / name).write_text(content + "\n")

    def observed(self, options: str = "") -> None:
        """With an observer beside it; to be called before `start`."""
        observer = self.scan / "observer"
        observer.mkdir()
        run = f'#!/bin/sh\nexec "{BIN}/director" observe {options} "{self.directory}"\n'
        program(observer / "run", run)

    def start(self, first: str = "true") -> "Box":
        """`first` is a shell script that is run in the box before svscan."""
        script = f"{INTERFACES} && {OWN_FILES} && {first} && exec '{BIN}/svscan' ."
        with self.messages.open("ab") as err:
            self._init = subprocess.Popen(
                [
                    *("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"),
                    *("--kill-child", "sh", "-c", script),
                ],
                cwd=self.scan,
                stdin=subprocess.DEVNULL,
                stderr=err,
                env=self._environment(),
            )
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children")
        self._svscan = int(eventually(children.read_text, "the box"))
        eventually(lambda: answers(self.directory), self.messages.read_text)
        return self

    @staticmethod
    def _environment() -> dict[str, str]:
        return {"PATH": f"{BIN}:{PATH}", "LANG": "C.UTF-8"}

    def inside(self, *command: str, namespaces: tuple[str, ...] = ALL) -> list[str]:
        """The command line that runs a command in the box."""
        return ["nsenter", "-t", str(self._svscan), *namespaces, "--", *command]

    def run(
        self, *command: str, namespaces: tuple[str, ...] = ALL, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.inside(*command, namespaces=namespaces),
            cwd="/",
            env=self._environment() | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )

    def shell(self, script: str) -> str:
        done = self.run("sh", "-ec", script)
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    def director(
        self, command: str, *words: str, namespaces: tuple[str, ...] = ALL
    ) -> subprocess.CompletedProcess[str]:
        where = str(self.directory)
        return self.run("director", command, *words, where, namespaces=namespaces)

    def status(self, *words: str, namespaces: tuple[str, ...] = ALL) -> dict[str, Any]:
        done = self.director("status", "--json", *words, namespaces=namespaces)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["level"] == done.returncode
        return found

    def until(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first status that is as wanted."""
        last: dict[str, Any] = {}

        def look() -> bool:
            last.clear()
            last.update(self.status())
            return bool(wanted(last))

        eventually(look, lambda: f"{last}; {self.messages.read_text()}")
        return last

    def master(self) -> dict[str, Any]:
        return self.until(lambda found: states(found) == ["MASTER"] and vrrp(found))

    def close(self) -> None:
        if self._init is not None:
            self._init.kill()
            self._init.wait(DEADLINE)

    def signal(self, name: str, pid: int) -> None:
        """To a process of the box, which `status` has told of."""
        self.shell(f"kill -{name} {pid}")


def states(found: dict[str, Any]) -> list[str]:
    return [one["state"] for one in found["vrrp"]]


def vrrp(found: dict[str, Any]) -> int:
    """The pid of the VRRP process; 0: there is none."""
    pids = [one["pid"] for one in found["processes"] if one["role"] == "VRRP"]
    return pids[0] if pids else 0


def findings(found: dict[str, Any]) -> str:
    return "; ".join(one["text"] for one in found["findings"])
