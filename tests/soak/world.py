"""A scan directory with services of every kind, a svscan on it, and what can be done to them."""

import contextlib
import os
import resource
import shutil
import signal
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from supervise.engine import processes
from tests.soak import build
from tests.support.gate import answers
from tests.support.scan import BIN, Scan, eventually

FAST = {"backoff/first": "0.1", "backoff/max": "0.2", "backoff/reset": "1"}
Kinds = dict[str, dict[str, str]]
Program = Callable[[Path], Path]

KINDS: Kinds = {
    "plain": {},
    "logged": {"log": ""},
    "brief": {"brief": "", "log": "", "finish": "worker"},
    "finisher": {"finish": "worker", "log": ""},
    "checked": {"start-check": "worker", "watch": "refuse"},
    "teller": {"notification-fd": "3", "log": ""},
    "leaver": {"leaves": "150", "leftovers": "wait", "finish": "worker"},
    "killer": {"leaves": "150", "leftovers": "kill", "timeout-kill": "50"},
    "stubborn": {"stubborn": "", "timeout-kill": "200", "log": ""},
    "small": {"disk": "", "log": "", "finish": "worker"},
}
"""What each service has; `disk` keeps its supervise/ on the small disk, `log` is a logger; a child
of what `leaves` lives on for so many milliseconds."""

HELD = ("logged", "small")
"""Whose log FIFO we hold open too. Where service, logger and svscan are dead at the same time, the
kernel lets go of what is in it, and no supervisor can do anything about that."""
STEADY = ("teller", "stubborn", "a", "steady")
"""Who are never told to end, and so hold their log FIFO themselves. Loggers and svscan die."""


CROWD = 300
"""Descriptors that svscan is given in a crowded world: with so many, other threads start things."""


class World:
    """:param base: an empty directory on a tmpfs of its own, with a mount point `disk` in it.
    :param program: builds what the services are.
    """

    def __init__(self, base: Path, kinds: Kinds, program: Program = build.worker) -> None:
        self.scan = Scan(base)
        self.disk = base / "disk"
        self._program = program(base)
        self.stepper = build.stepper(base)
        self._preload = build.clock(base)
        self._clock = base / "clock"
        self._clock.write_bytes(bytes(8))
        self.violations = self.scan.services / "violations"
        self.violations.touch()
        self.names = list(kinds)
        self.logged = [name for name in kinds if "log" in kinds[name]]
        self.kinds = kinds
        self.ended = False
        """Whether svscan was ever told to end, and with it also what is steady."""
        for name in kinds:
            self.make(name, kinds[name])
            self.scan.link(name)
        self.crowd: list[int] = []
        self.raises = True
        """Whether svscan has to raise its descriptor limit."""
        self._held = [self._hold(name) for name in HELD if name in kinds]

    def _hold(self, name: str) -> int:
        path = self.scan.services / name / "supervise/stdout"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        os.mkfifo(path, 0o600)
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def be_crowded(self) -> None:
        """From the next svscan on, which has no limit to raise."""
        self.raises = False
        self.crowd = [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC) for _ in range(CROWD)]

    def complete(self, name: str) -> bool:
        """Whether each line that was ever written must be in the log."""
        return name in HELD or (name in STEADY and not self.ended)

    @property
    def all_names(self) -> list[str]:
        """Loggers included."""
        return self.names + [f"{name}/log" for name in self.logged]

    def make(self, name: str, files: dict[str, str]) -> None:
        """A service directory; files whose content is `worker` are that program."""
        directory = self.scan.services / name
        (directory / "acks").mkdir(parents=True)
        parts = {"run": "worker"} | FAST | files
        if parts.pop("log", None) is not None:
            parts |= {"log/run": "worker"} | {f"log/{file}": said for file, said in FAST.items()}
        if parts.pop("disk", None) is not None:
            (directory / "log").mkdir()
            for part in (directory, directory / "log"):
                (self.disk / f"{name}-{part.name}").mkdir(mode=0o700)
                (part / "supervise").symlink_to(self.disk / f"{name}-{part.name}")
        for file, content in parts.items():
            (directory / file).parent.mkdir(parents=True, exist_ok=True)
            if content == "worker":
                shutil.copy(self._program, directory / file)
            else:
                (directory / file).write_text(content + "\n")

    # svscan

    def start(self, descriptors: int | None = None, *before: str | Path) -> None:
        """:param descriptors: the hard limit, where svscan is to be short of them.
        :param before: what svscan is started through.
        """
        environment = os.environ | {
            "LD_PRELOAD": str(self._preload),
            "SOAK_CLOCK": str(self._clock),
        }
        hard = descriptors or resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        soft = min(len(self.crowd) + 256, hard) if self.raises and not descriptors else hard
        with self.scan.messages.open("ab") as err:
            self.scan.svscan = subprocess.Popen(
                [*before, BIN / "svscan", self.scan.home],
                stdin=subprocess.DEVNULL,
                stderr=err,
                env=environment,
                pass_fds=[] if descriptors else self.crowd,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
            )

    @property
    def alive(self) -> bool:
        return self.scan.svscan is not None and self.scan.svscan.poll() is None

    @property
    def killed(self) -> bool:
        """Whether svscan has died of SIGKILL."""
        return self.scan.svscan is not None and self.scan.svscan.poll() == -signal.SIGKILL

    @property
    def pid(self) -> int:
        assert self.scan.svscan is not None
        return self.scan.svscan.pid

    def in_charge(self, name: str) -> bool:
        """Whether this svscan supervises the service: it opens `ok` itself when it has gone on from
        what it found. A child of the one before may hold that open too, until its exec is through.
        """
        with contextlib.suppress(OSError):
            ok = self.scan.services / name / "supervise/ok"
            found = os.stat(ok)
            return any(os.path.samestat(found, os.stat(fd)) for fd in self._descriptors())
        return False

    def _descriptors(self) -> Iterator[Path]:
        return Path(f"/proc/{self.pid}/fd").iterdir()

    def serves(self, number: int) -> bool:
        """Whether svscan has a use for this signal, and is not killed by it."""
        for line in _read(f"/proc/{self.pid}/status").splitlines():
            if line.startswith("SigBlk:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
        return False

    def listens(self, name: str) -> bool:
        return answers(self.scan.services / name)

    def say(self, name: str, letters: str) -> bool:
        """Whether somebody was there to read them."""
        with contextlib.suppress(OSError):
            path = self.scan.services / name / "supervise/control"
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(fd, letters.encode())
                return True
            finally:
                os.close(fd)
        return False

    # What is seen from outside

    def where(self, name: str) -> bytes:
        return os.fsencode(self.scan.services / name)

    def instances(self, name: str) -> list[int]:
        """The living session leaders that are a `run` of this service."""
        found = []
        for pid in self._living():
            with contextlib.suppress(OSError):
                if (
                    os.readlink(b"/proc/%d/cwd" % pid) == self.where(name)
                    and os.readlink(b"/proc/%d/exe" % pid) == self.where(name) + b"/run"
                    and os.getsid(pid) == pid
                ):
                    found.append(pid)
        return found

    def _living(self) -> Iterator[int]:
        for pid in processes.all_pids():
            known = processes.facts(pid)
            if known is not None and known.alive:
                yield pid

    # What is done to all of it

    def jump(self, seconds: float) -> None:
        """The wall clock of svscan and of all that it starts."""
        (before,) = struct.unpack("<q", self._clock.read_bytes())
        with self._clock.open("r+b") as file:
            file.write(struct.pack("<q", before + int(seconds * 1e9)))

    def fill_disk(self) -> None:
        with contextlib.suppress(OSError), (self.disk / "fill").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free_disk(self) -> None:
        (self.disk / "fill").unlink(missing_ok=True)

    def kill(self) -> None:
        if self.alive:
            self.scan.kill()

    def close(self) -> None:
        """End all of it. Nobody else lives in our pid namespace but init and us."""
        self.kill()
        for fd in [*self._held, *self.crowd]:
            os.close(fd)
        for pid in list(self._living()):
            if pid not in (1, os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        eventually(lambda: set(self._living()) <= {1, os.getpid()}, "all have ended")


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
