"""A machine of its own for a test: user-mode Linux on the files of this one, with another pid 1.

Nothing is installed. What is missing is downloaded as packages, and unpacked into a directory.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CACHE = Path(tempfile.gettempdir()) / f"supervise-boot-{os.getuid()}"
PATIENCE = 170
"""Seconds that the box may run."""

INIT = """#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t tmpfs -o size=300m tmpfs /run
mkdir /run/upper /run/work /run/new
{busybox} insmod {modules}/kernel/fs/overlayfs/overlay.ko
mount -t overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work overlay /run/new
cd /run/new || exec {busybox} poweroff -f
for name in proc sysfs devtmpfs; do
    mount -t $name $name $(echo $name | sed 's/sysfs/sys/; s/devtmpfs/dev/')
done
mount -t tmpfs tmpfs run
mkdir -p service results opt/supervise .old
ln -s {bin} opt/supervise/bin
mount -t hostfs -o {results} none results
for package in {packages}; do
    tar -C $package -c . | tar -x --keep-directory-symlink
done
{prepare}
pivot_root . .old
exec chroot . {command} </dev/console >/dev/console 2>&1
"""


def unpacked(package: str) -> Path:
    """The files of a Debian package."""
    where = CACHE / package
    if not where.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            done = subprocess.run(
                ["apt-get", "download", package], cwd=work, capture_output=True, text=True
            )
            found = list(Path(work).glob("*.deb"))
            if not found:
                pytest.skip(f"{package} cannot be downloaded: {done.stderr.strip()[-200:]}")
            files = Path(work) / "files"
            subprocess.run(["dpkg-deb", "-x", found[0], files], check=True)
            files.rename(where)
    return where


class Box:
    """:param base: a directory of the test.
    :param packages: whose files lie over those of this machine.
    """

    def __init__(self, base: Path, *packages: str) -> None:
        if os.geteuid() != 0:
            pytest.skip("needs root: the files of the machine are those of the box")
        if shutil.which("apt-get") is None:
            pytest.skip("needs apt-get, for user-mode Linux")
        linux = unpacked("user-mode-linux")
        self._base = base
        self._linux = linux / "usr/bin/linux.uml"
        (self._modules,) = (linux / "usr/lib/uml/modules").iterdir()
        self.busybox = unpacked("busybox-static") / "bin/busybox"
        self._over = [unpacked(name) for name in packages]
        self.results = base / "results"
        self.results.mkdir()

    def run(self, command: str, prepare: str) -> str:
        """Boot with this pid 1; what was found in `results/said` when the box was off.

        :param prepare: shell commands, in the root directory of the box to be.
        """
        init = self._base / "init"
        init.write_text(
            INIT.format(
                busybox=self.busybox,
                modules=self._modules,
                packages=" ".join(map(str, self._over)),
                results=self.results,
                bin=Path(sys.executable).parent,
                prepare=prepare,
                command=command,
            )
        )
        init.chmod(0o755)
        console = self._boot(init)
        said = self.results / "said"
        return said.read_text() if said.exists() else f"nothing; console:\n{console[-4000:]}"

    def _boot(self, init: Path) -> str:
        words = [
            *(self._linux, "mem=512M", f"uml_dir={self._base}", "root=/dev/root"),
            *("rootfstype=hostfs", "rootflags=/", "ro", f"init={init}", "quiet"),
            *("con=null", "con0=null,fd:1", "con1=null,fd:1", "panic=-1"),
        ]
        linux = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            return linux.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired:
            os.killpg(linux.pid, 9)
            return linux.communicate()[0]
