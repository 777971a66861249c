"""A director: a supervisor, and keepalived under it by services/keepalived of this checkout."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from acceptance.inside import kernel
from acceptance.inside.client import VIRTUAL_ADDRESS
from acceptance.inside.namespaces import OWN
from acceptance.inside.waiting import until

ROOT = Path(__file__).parents[2]
ARTICLE = ROOT / "keepalived" / "box" / "keepalived.conf"
PID_FILES = {"parent": "keepalived.pid", "vrrp": "vrrp.pid", "checkers": "checkers.pid"}
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
# Up for longer than that, a service is started again at once by every supervisor.
SETTLED = 11.0  # seconds
SCAN = "/run/director/services"
SVSCAN = ("svscan", SCAN)


def age(pid: int) -> float:
    """Seconds since the process was started; nothing for none."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(started) / CLOCK_TICKS


def alive(pid: int) -> bool:
    """Not ended, and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _elsewhere(namespace: str, command: tuple[str, ...]) -> tuple[str, ...]:
    cover = f'mount --bind /run/{namespace} /run && exec "$@"'
    return ("ip", "netns", "exec", namespace, "sh", "-c", cover, "sh", *command)


class Director:
    """By default the first one, which lives in the namespaces that the box booted with."""

    def __init__(
        self,
        supervisor: tuple[str, ...] = SVSCAN,
        namespace: str = OWN,
        configuration: str | None = None,
    ) -> None:
        """Lay the files out, as an administrator does, and start the supervisor.

        In another namespace it has its own /run too, so that pid files do not meet.
        """
        self.namespace = namespace
        self.run = Path("/run", namespace)
        self.service = self.run / "director" / "services" / "keepalived"
        self.configuration = self.run / "director" / "keepalived.conf"
        self._command = supervisor if namespace == OWN else _elsewhere(namespace, supervisor)
        leave_out = shutil.ignore_patterns("supervise", ".svscan", "box")
        for name in ("keepalived", "services"):
            target = self.run / "director" / name
            shutil.copytree(ROOT / name, target, symlinks=True, ignore=leave_out)
        self.configuration.write_text(configuration or ARTICLE.read_text())
        (self.service / "env" / "CONFIGURATION").write_text("/run/director/keepalived.conf\n")
        self.start_supervisor()

    def start_supervisor(self) -> None:
        """As at boot, and again after it was killed."""
        with Path(f"/run/results/director{self.namespace}.log").open("ab") as log:
            self.supervisor = subprocess.Popen(self._command, stdout=log, stderr=log)

    def pid(self, role: str) -> int:
        """Of the parent, vrrp or checkers, by its pid file; 0 for one that does not live."""
        try:
            pid = int((self.run / PID_FILES[role]).read_text())
        except (OSError, ValueError):
            return 0
        return pid if alive(pid) else 0

    def pids(self) -> dict[str, int]:
        return {role: self.pid(role) for role in PID_FILES}

    def serves(self) -> bool:
        """The address is here, and both real servers are in the table."""
        return kernel.holds(VIRTUAL_ADDRESS, self.namespace) and list(
            kernel.weights(self.namespace).values()
        ) == [1, 1]

    def await_serving(self, seconds: float = 30) -> None:
        until("the director holds the address and both real servers", self.serves, seconds)

    def await_settled(self, seconds: float = 60) -> None:
        """Until it serves, with all processes there and up for so long that nothing is counted."""
        self.await_serving(seconds)
        self.await_age(seconds)

    def await_age(self, seconds: float = 60) -> None:
        until(
            f"keepalived and its children are up for {SETTLED:.0f} s",
            lambda: all(pid and age(pid) > SETTLED for pid in self.pids().values()),
            seconds,
        )

    def svc(self, *letters: str) -> None:
        subprocess.run(["svc", *letters, str(self.service)], check=True)

    def status(self) -> dict[str, Any]:
        """What `director status --json` says."""
        command = ["director", "status", "--json", str(self.service)]
        shown = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        found: dict[str, Any] = json.loads(shown.stdout)
        assert shown.returncode == found["level"], found
        return found

    def svstat(self) -> str:
        return kernel.output_of("svstat", str(self.service)).strip()
