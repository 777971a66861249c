"""Namespaces of our own (mount, pid): with them all that was started in them ends, and nothing is
left."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.soak import build
from tests.soak.world import Kinds, Program, World


def enclosed(module: str, *words: object) -> "subprocess.Popen[bytes]":
    """A module of ours, which calls `become_init` first. To kill what is returned ends it all."""
    command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    return subprocess.Popen([*command, sys.executable, "-m", module, *map(str, words)])


def become_init() -> None:
    """The first process of a pid namespace reaps what is orphaned to it, and we are its child."""
    child = os.fork()
    if child == 0:
        return
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 255)


@contextmanager
def open_world(kinds: Kinds, program: Program = build.worker) -> Iterator[World]:
    base = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        for path, size in ((base, "256m"), (base / "disk", "256k")):
            path.mkdir(exist_ok=True)
            options = f"size={size},mode=755"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", path], check=True)
        world = World(base, kinds, program)
        try:
            yield world
        except Exception:
            notes = world.scan.services / "notes"
            print("svscan said:", world.scan.said(), flush=True)
            print(notes.read_text() if notes.exists() else "", flush=True)
            raise
        world.close()
    finally:
        subprocess.run(["umount", "-l", base / "disk", base], check=False)
        base.rmdir()
