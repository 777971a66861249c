"""Asking keepalived itself: told so by a signal, it writes what it knows of VRRP to a file.

Only on demand, because that file is overwritten; and only where the process cannot die of it.
"""

import contextlib
import json
import os
import signal
import stat
import subprocess
import time
from typing import Any

from supervise.director import facts
from supervise.director.facts import Facts, Own

PATIENCE = 3.0
"""Seconds until the file must be there. It took 20 ms."""
_PAUSE = 0.02
_MOST = 1 << 24
_STATES = {0: "INIT", 1: "BACKUP", 2: "MASTER", 3: "FAULT"}


def with_own_words(seen: Facts) -> Facts:
    """The same, with what keepalived says now.

    :raises OSError: where it cannot be asked, or does not answer; the text says why.
    """
    said = _ask(seen)
    each = [one._replace(own=said.get(one.name, one.own)) for one in seen.instances]
    return seen._replace(instances=tuple(each))


def _ask(seen: Facts) -> dict[str, Own]:
    pids = [one.pid for one in seen.processes if one.role == facts.PARENT]
    if not pids:
        raise OSError("it does not run")
    (pid,) = pids
    pidfd = os.pidfd_open(pid)
    try:
        number = _signal_number(pid)
        if not number or not _serves(pid, number):
            raise OSError("this keepalived writes no JSON")
        path = _path(pid)
        before = _written(path)
        signal.pidfd_send_signal(pidfd, number)
        return _answer(path, before)
    finally:
        os.close(pidfd)


def _signal_number(pid: int) -> int:
    """As the very program that runs has it; 0: it was built without, or is no keepalived."""
    try:
        if not os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith("keepalived"):
            return 0
        done = subprocess.run(
            [f"/proc/{pid}/exe", "--signum=JSON"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    said = done.stdout.strip()
    return int(said) if done.returncode == 0 and said.isdecimal() else 0


def _serves(pid: int, number: int) -> bool:
    """Whether it has said what it does at this signal. Any other process would die of it."""
    bit = 1 << (number - 1)
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        masks = [line.split() for line in file if line.startswith(("SigBlk:", "SigCgt:"))]
    return any(int(mask, 16) & bit for _, mask in masks)


def _path(pid: int) -> str:
    with open(f"/proc/{pid}/environ", "rb") as file:
        variables = file.read().split(b"\0")
    chosen = [os.fsdecode(one[7:]) for one in variables if one.startswith(b"TMPDIR=/")]
    return f"/proc/{pid}/root{(chosen or ['/tmp'])[0]}/keepalived.json"


def _written(path: str) -> tuple[int, int]:
    with contextlib.suppress(OSError):
        found = os.lstat(path)
        return found.st_ino, found.st_mtime_ns
    return 0, 0


def _answer(path: str, before: tuple[int, int]) -> dict[str, Own]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if _written(path) != before:
            with contextlib.suppress(ValueError):  # only half of it is there yet
                return _own_words(json.loads(_content(path)))
        time.sleep(_PAUSE)
    where = path.partition("/root")[2]
    raise OSError(f"it wrote no whole {where} within {PATIENCE:.0f} s: is that full?")


def _content(path: str) -> bytes:
    """/tmp is everybody's: what is no file of root's was not written by keepalived."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != 0:
            raise OSError(f"{path.partition('/root')[2]} is not of keepalived")
        return os.read(fd, _MOST)
    finally:
        os.close(fd)


def _own_words(dump: object) -> dict[str, Own]:
    """It is a list of instances, or with `json_version 2` (2.2.8 and newer) an object that has one.

    :raises ValueError: where it is neither.
    """
    each: Any = dump.get("vrrp") if isinstance(dump, dict) else dump
    try:
        data = [one["data"] for one in each]
        return {
            str(one["iname"]): Own(_STATES.get(one["state"], "INIT"), float(one["last_transition"]))
            for one in data
        }
    except (KeyError, TypeError) as error:
        raise ValueError("no dump of keepalived") from error
