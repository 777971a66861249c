"""strace, from outside: which system calls svscan makes, and faults in them."""

import contextlib
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support.scan import Scan, eventually


def traced(pid: int) -> bool:
    try:
        return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@contextlib.contextmanager
def strace(scan: Scan, *options: str) -> Iterator[None]:
    assert scan.svscan is not None
    pid = scan.svscan.pid
    command = ["strace", "-qq", "-p", str(pid), *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        try:
            eventually(lambda: traced(pid), "strace looks on")
            yield
        finally:
            tracer.terminate()


def calls(trace: str) -> list[tuple[str, int]]:
    """Each system call of a trace: its name, and the how many-th of this name it is."""
    seen: Counter[str] = Counter()
    found = []
    for line in trace.splitlines():
        name = line.split("(")[0]
        if name.isidentifier():
            seen[name] += 1
            found.append((name, seen[name]))
    return found
