"""keepalived's service directory, copied into a box of its own, and stubs of keepalived."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

KEEPALIVED = Path(__file__).parents[2] / "keepalived"
PROGRAMS = ("run", "start-check", "finish", "common.sh")

CHOSEN = os.environ.get("KEEPALIVED", "")
"""The path of a keepalived to test with, as `make versions` has several; else the installed one."""
PATH = f"{os.path.dirname(CHOSEN)}:/usr/sbin:/usr/bin:/sbin:/bin".lstrip(":")

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, for namespaces")
needs_keepalived = pytest.mark.skipif(
    not shutil.which("keepalived", path=PATH),
    reason="keepalived is not installed",
)


def _is_old() -> bool:
    found = shutil.which("keepalived", path=PATH) or "true"
    done = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    return "Keepalived v1." in done.stdout + done.stderr


needs_two = pytest.mark.skipif(
    _is_old(), reason="keepalived 1.x: slower, with no -t and no FIFO, up whatever it reads"
)


def real(test: Callable[..., None]) -> Callable[..., None]:
    """By the real keepalived, one that has -t."""
    return needs_two(needs_keepalived(test))


OWN_FILES = (
    f"mount -n --bind {os.path.dirname(CHOSEN)}/etc /etc/keepalived && " if CHOSEN else ""
) + "mount -t tmpfs test /run"
PRIVATE_RUN = f'{OWN_FILES} && exec "$@"'
INTERFACES = (
    "ip link set lo up && ip link add bond0.2 type veth peer name outside && "
    "ip link set outside up && ip link set bond0.2 up && ip address add 192.0.2.150/24 dev bond0.2"
)
INSTANCE = """vrrp_instance VI_1 {
    state MASTER
    interface bond0.2
    virtual_router_id 1
    priority 255
    virtual_ipaddress {
        192.0.2.151 dev bond0.2
    }
}
"""
VIRTUAL_SERVER = """virtual_server 192.0.2.151 80 {
    protocol TCP
    real_server 192.0.2.2 80 {
        weight 1
    }
}
"""


class Service:
    """What is executed is in namespaces of its own: no pid file, address or interface is ours."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "service"
        self.env = self.directory / "env"
        self.programs = directory / "programs"
        self.configuration = directory / "keepalived.conf"
        self.env.mkdir(parents=True)
        self.programs.mkdir()
        for name in PROGRAMS:
            shutil.copy(KEEPALIVED / name, self.directory)
        self.set("CONFIGURATION", str(self.configuration))
        self.configuration.write_text(INSTANCE)

    def set(self, name: str, content: str) -> None:
        (self.env / name).write_text(content + "\n")

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def stub(self, version: str, otherwise: str = "exit 1") -> None:
        """A keepalived that tells its version; to --help it says nothing of -t."""
        said = f'case "$*" in *--version*) echo "{version}" >&2; exit 0;; esac'
        self.program("keepalived", f"#!/bin/sh\n{said}\n{otherwise}\n")

    def boxed(self, script: str, *prefix: str) -> subprocess.CompletedProcess[str]:
        """A shell script in the service directory, where bond0.2 is."""
        return subprocess.run(
            [
                *("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"),
                *("--kill-child", "sh", "-c", f"{INTERFACES} && {PRIVATE_RUN}", "sh"),
                *(*prefix, "sh", "-c", script),
            ],
            cwd=self.directory,
            env={"PATH": f"{self.programs}:{PATH}"},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def refusal(self, script: str = "./start-check", *prefix: str) -> str:
        """The one line by which start-check refuses."""
        done = self.boxed(script, *prefix)
        assert done.returncode == 1, (done.stdout, done.stderr)
        (line,) = done.stdout.splitlines()
        return line

    def passes(self, script: str = "./start-check", *prefix: str) -> str:
        """What start-check says on standard error, letting it pass."""
        done = self.boxed(script, *prefix)
        assert (done.returncode, done.stdout) == (0, ""), (done.stdout, done.stderr)
        return done.stderr
