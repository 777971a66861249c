"""Starting, ending and looking at processes.

Whatever the bench starts stays its descendant, for it is a subreaper."""

import ctypes
import os
import resource
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import NamedTuple

PR_SET_CHILD_SUBREAPER = 36
SERVICE_NAMES = {"run", "sleep"}  # the probe is the file `run`; its shell stand-in ends as sleep
DEFAULTS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
TICK = 1 / os.sysconf("SC_CLK_TCK")


class CommandError(Exception):
    pass


class TooLateError(Exception):
    pass


def become_subreaper() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "unable to become a subreaper")


def spawn(command: list[str], path: str, output: Path = Path(os.devnull)) -> int:
    """In a session of its own, with a bare environment, so that all start from the same."""
    write = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), write, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(
        _find(command[0], path),
        command,
        {"PATH": path},
        file_actions=actions,
        setsid=True,
        setsigdef=DEFAULTS,
        setsigmask=[],
    )


@cache
def _find(program: str, path: str) -> str:
    """posix_spawnp would search our own PATH, and daemontools has programs of the same names."""
    found = shutil.which(program, path=path)
    if found is None:
        raise CommandError(f"no {program} in {path}")
    return found


def run(command: list[str], path: str, output: Path = Path(os.devnull)) -> int:
    """Nanoseconds from before the start of the process to after its end."""
    begin = time.monotonic_ns()
    pid = spawn(command, path, output)
    _, status = os.waitpid(pid, 0)
    taken = time.monotonic_ns() - begin
    if status:
        raise CommandError(f"{' '.join(command[:3])}: exit {os.waitstatus_to_exitcode(status)}")
    return taken


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise TooLateError out of a system call that blocks longer."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TooLateError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def reap_all(seconds: float) -> bool:
    """Wait until the bench has no descendant left; False when some live on."""
    try:
        with limit(seconds):
            while True:
                os.waitpid(-1, 0)
    except ChildProcessError:
        return True
    except TooLateError:
        return False


def send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


class Entry(NamedTuple):
    parent: int
    name: str
    children_ticks: int


def all_processes() -> dict[int, Entry]:
    found: dict[int, Entry] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                found[int(name)] = _entry(Path("/proc", name, "stat").read_text(errors="replace"))
    return found


def _entry(stat: str) -> Entry:
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    fields = stat[stat.rindex(")") + 2 :].split()
    return Entry(int(fields[1]), name, int(fields[13]) + int(fields[14]))


def below(root: int, table: dict[int, Entry]) -> list[int]:
    """All descendants of a process, itself not included."""
    children: dict[int, list[int]] = {}
    for pid, entry in table.items():
        children.setdefault(entry.parent, []).append(pid)
    found: list[int] = []
    todo = [root]
    while todo:
        new = children.get(todo.pop(), [])
        found += new
        todo += new
    return found


def supervisors(root: int) -> list[int]:
    """The processes of a supervisor: its tree without the services."""
    table = all_processes()
    found = [pid for pid in [root, *below(root, table)] if pid in table]
    return [pid for pid in found if table[pid].name not in SERVICE_NAMES]


def kill_descendants() -> None:
    """Parents first, again and again: what is killed cannot start another."""
    while pids := below(os.getpid(), all_processes()):
        for pid in pids:
            send(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


@dataclass(frozen=True)
class Memory:
    """Bytes, summed over processes."""

    rss: int
    pss: int
    uss: int
    page_tables: int


def memory(pids: Iterable[int]) -> Memory:
    sums = {"Rss": 0, "Pss": 0, "Private_Clean": 0, "Private_Dirty": 0, "VmPTE": 0}
    for pid in pids:
        for file in ("smaps_rollup", "status"):
            for line in Path(f"/proc/{pid}/{file}").read_text(errors="replace").splitlines():
                key, _, value = line.partition(":")
                if key in sums and value.endswith("kB"):
                    sums[key] += int(value.split()[0]) * 1024
    private = sums["Private_Clean"] + sums["Private_Dirty"]
    return Memory(sums["Rss"], sums["Pss"], private, sums["VmPTE"])


def wake_ups(pids: Iterable[int]) -> int:
    """Voluntary context switches of all threads: each is a return from waiting."""
    return sum(_voluntary(task / "status") for task in _tasks(pids))


def _voluntary(status: Path) -> int:
    lines = status.read_text(errors="replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))


def _tasks(pids: Iterable[int]) -> Iterator[Path]:
    for pid in pids:
        yield from Path(f"/proc/{pid}/task").iterdir()


def busy() -> tuple[float, float]:
    """Seconds of CPU: of the whole machine, and of the bench with all that it has reaped."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _waiting, hard, soft = (int(field) for field in fields[:7])
    mine = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return (user + nice + system + hard + soft) * TICK, sum(_seconds(usage) for usage in mine)


def time_run(pids: list[int]) -> float:
    """Seconds of CPU of these processes and of their dead children; of those only in ticks."""
    table = all_processes()
    own = sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in _tasks(pids))
    return own / 1e9 + sum(table[pid].children_ticks for pid in pids if pid in table) * TICK


def end_and_account(pids: list[int]) -> float:
    """Kill these, parents first; seconds of CPU of them and their dead children, exactly."""
    total = 0.0
    for pid in pids:
        send(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            total += _seconds(os.wait4(pid, 0)[2])
    return total


def _seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime
