"""strace, from outside: which system calls svscan makes, and faults in them."""

import contextlib
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support.gate import end, on_its_way, only_instance, served
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


def kill_while_an_instance_is_on_its_way_to_exec(scan: Scan) -> None:
    """The next svscan must find that very instance, and start no second one: after a death, after a
    restart, and after a restart of one that was itself found so."""
    scan.add("a")
    scan.start()
    pid = only_instance(scan, "a")
    for signalled in (False, True, True):
        served(scan, "a")
        with strace(scan, "-f", "-o", os.devnull, "-e", "inject=execve:delay_enter=1000000"):
            if signalled:
                scan.control("a", "t")
            else:
                end(pid)
            child = on_its_way(scan, "a", beside=pid)
            scan.kill()
            scan.start()
            assert scan.up("a", beside=pid) == child
        pid = only_instance(scan, "a")
        assert pid == child
