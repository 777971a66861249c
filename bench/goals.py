"""The rows of the table and what was promised for each."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.peers import OURS
from bench.rows.clients import PYTHON
from bench.rows.takeover import IMPORTS

Medians = dict[str, float]
Judge = Callable[[Medians], bool | None]


@dataclass(frozen=True)
class Row:
    id: str
    title: str
    unit: str
    goal: str = ""
    judge: Judge | None = None
    ranges: bool = False  # whether a median alone says too little

    def verdict(self, medians: Medians) -> str:
        """Empty where there is no goal, or not all was measured that it needs."""
        met = self.judge(medians) if self.judge else None
        return "" if met is None else "met" if met else "missed"


def at_most(limit: float) -> Judge:
    return lambda medians: medians[OURS] <= limit if OURS in medians else None


def times(factor: float, other: str) -> Judge:
    def judge(medians: Medians) -> bool | None:
        measured = {OURS, other} <= medians.keys()
        return medians[OURS] <= factor * medians[other] if measured else None

    return judge


def less_than(*others: str) -> Judge:
    def judge(medians: Medians) -> bool | None:
        if not {OURS, *others} <= medians.keys():
            return None
        return all(medians[OURS] < medians[other] for other in others)

    return judge


def both(one: Judge, other: Judge) -> Judge:
    def judge(medians: Medians) -> bool | None:
        verdicts = one(medians), other(medians)
        return None if None in verdicts else all(verdicts)

    return judge


DAEMONTOOLS = "daemontools"
LIKE_PYTHON = f"at most 1.1 x `{PYTHON}`"

ROWS = [
    Row(
        "restart",
        "SIGKILL of one of 12 services, up for a while, to the first instruction of the next",
        "ms",
        "at most 1.1 x daemontools",
        times(1.1, DAEMONTOOLS),
        ranges=True,
    ),
    Row("restart-all", "the same, with {n} services up", "ms", ranges=True),
    Row(
        "pickup",
        "link or rename into the scan directory, to the first instruction",
        "ms",
        "at most 3 ms",
        at_most(3),
        ranges=True,
    ),
    Row(
        "start",
        "{n} services from nothing to all running",
        "ms",
        "faster than daemontools, runit and s6",
        less_than(DAEMONTOOLS, "runit", "s6"),
    ),
    Row(
        "memory1",
        "memory of the supervisor with 1 service: not shared (USS) + page tables",
        "MB",
        "at most 11 MB",
        at_most(11),
    ),
    Row(
        "memory",
        "memory of all supervisor processes with {n} services: PSS + page tables",
        "MB",
        "at most a sixth of daemontools",
        times(1 / 6, DAEMONTOOLS),
    ),
    Row("many", "{many} services, or as many as the descriptors allow, to all running", "ms"),
    Row("many-memory", "memory with those: PSS + page tables", "MB"),
    Row("idle1", "wake-ups in {idle} s with 1 idle service", "", "none", at_most(0)),
    Row("idle", "wake-ups in {idle} s with {n} idle services", "", "none", at_most(0)),
    Row("svstat", "`svstat` of one service, whole process", "ms", LIKE_PYTHON, times(1.1, PYTHON)),
    Row("svc", "`svc` of one service, whole process", "ms", LIKE_PYTHON, times(1.1, PYTHON)),
    Row(
        "svstat-all",
        "`svstat` of {n} services in one call",
        "ms",
        "at most 2.5 x daemontools",
        times(2.5, DAEMONTOOLS),
    ),
    Row(
        "term-all",
        "`svc -t` of {n} services in one call, to all restarted",
        "ms",
        "at most 2.5 x daemontools, faster than runit",
        both(times(2.5, DAEMONTOOLS), less_than("runit")),
    ),
    Row(
        "crash",
        "CPU time for a service that fails at once, in {crash} s, children included",
        "ms",
        "at most half of daemontools",
        times(0.5, DAEMONTOOLS),
    ),
    Row(
        "down",
        "all {n} services down and the supervisor gone, nothing left",
        "ms",
        "faster than daemontools",
        less_than(DAEMONTOOLS),
    ),
    Row(
        "takeover",
        "SIGKILL of svscan: start of the next, to its control of {n} unchanged services",
        "ms",
        "under 1 s",
        at_most(1000),
    ),
    Row(
        "takeover-few",
        "the same, with 10 services",
        "ms",
        "under 2 x its own import time",
        times(2, IMPORTS),
        ranges=True,
    ),
    Row(
        "upgrade",
        "control letters lost that were sent during 100 upgrades in place, {n} services",
        "letters",
        "none",
        at_most(0),
    ),
    Row(
        "upgrade-deaf",
        "the longest that one of them waited, its service's restart included",
        "ms",
        ranges=True,
    ),
]
