"""A service that writes down what comes to it, and what its classic status says meanwhile."""

import sys
from pathlib import Path

from supervise.engine import processes
from supervise.protocol import status
from tests.support.gate import answers
from tests.support.scan import Scan, eventually

RECORDER = f"""#!{sys.executable} -IS
import os, signal
every = signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, every)
def note(what):
    with open("noted", "a") as file:
        file.write(what + chr(10))
note("begun")
while True:
    note(signal.Signals(signal.sigwait(every)).name)
"""
"""Notes each signal, and dies of none but KILL. Nothing of it depends on how fast it is."""


def noted(scan: Scan, name: str) -> list[str]:
    path = scan.services / name / "noted"
    return path.read_text().split() if path.exists() else []


def begun(scan: Scan, name: str, times: int = 1) -> int:
    """The pid of a RECORDER that takes signals: this is so often that it began."""
    eventually(lambda: noted(scan, name).count("begun") == times, f"{name} takes signals")
    return scan.up(name)


def notes(scan: Scan, name: str, *signals: str) -> None:
    """Wait until a RECORDER that began once has noted just these signals."""
    wanted = ["begun", *signals]
    eventually(lambda: noted(scan, name) == wanted, lambda: f"{wanted}: {noted(scan, name)}")


def shows(scan: Scan, name: str, pid: int, want: bytes, paused: bool = False) -> None:
    """Wait until the 18 bytes of `status` are these; the stamp is that of the record."""
    path = scan.services / name / "supervise/status"
    tail = pid.to_bytes(4, "little") + (b"\1" if paused else b"\0") + want

    def look() -> bool:
        kept = scan.record(name)
        found = path.read_bytes() if path.exists() else b""
        return kept is not None and len(found) == status.SIZE and found == kept.since + tail

    eventually(look, lambda: f"{tail!r}: {scan.shown(name)}; {scan.said()}")


def became(pid: int, program: str) -> None:
    """Wait until the process has executed this program."""
    path = Path(f"/proc/{pid}/comm")
    eventually(lambda: path.read_text().strip() == program, f"pid {pid} is {program}")


def wakeups(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches:"):
            return int(line.split()[1])
    raise AssertionError("the kernel does not count")


def stopped(pid: int) -> bool:
    """Whether it was stopped by a signal."""
    known = processes.facts(pid)
    return known is not None and known.state == b"T"


def supervised(scan: Scan, name: str) -> bool:
    """As svok."""
    return answers(scan.services / name)
