"""One small class for each supervisor: how it is started, told, asked and ended."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.processes import run, send, spawn

ROOT = Path(__file__).resolve().parent.parent
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
OURS = "supervise"

Command = list[str]


class Supervisor:
    """daemontools; the others say where they differ."""

    name = "daemontools"
    program = "svscan"
    package = "daemontools"
    path = SYSTEM_PATH
    capacity = 1000  # svscan and runsvdir have a fixed table
    needs_word = False  # whether a link into the scan directory has to be announced
    patience = 30.0  # seconds for what 1000 services do at most
    frugal = False  # too slow for every round

    def present(self) -> bool:
        return shutil.which(self.program, path=self.path) is not None

    def version(self) -> str:
        query = ["dpkg-query", "-W", "-f", "${Version}", self.package]
        answer = subprocess.run(query, capture_output=True, text=True, check=False)
        return answer.stdout.strip() or "unknown"

    def prepare(self, stage: Path, names: Sequence[str]) -> None:
        """Before the start: the services it will find."""
        for name in names:
            link(stage, name)

    def start(self, stage: Path, output: Path) -> int:
        return spawn(self.start_command(stage), self.path, output)

    def start_command(self, stage: Path) -> Command:
        return [self.program, str(stage / "scan")]

    def announce(self, stage: Path) -> None:
        """After a link came into the scan directory."""

    def status(self, directories: Sequence[str]) -> Command:
        return ["svstat", *directories]

    def nudge(self, directories: Sequence[str]) -> Command:
        """A command to a service that changes nothing."""
        return ["svc", "-u", *directories]

    def term(self, directories: Sequence[str]) -> Command:
        return ["svc", "-t", *directories]

    def stop(self, root: int, directories: Sequence[str]) -> None:
        """Begin to take everything down; the caller waits until no process is left."""
        send(root, signal.SIGTERM)
        run(["svc", "-dx", *directories], self.path)


class Ours(Supervisor):
    name = OURS
    path = f"{Path(sys.executable).parent}:{SYSTEM_PATH}"
    program = str(Path(sys.executable).parent / "svscan")
    capacity = 1_000_000

    def version(self) -> str:
        commit = _git("rev-parse", "--short", "HEAD") or "unknown"
        changed = _git("status", "--porcelain", "--", "supervise")
        return f"{commit} with changes" if changed else commit

    def stop(self, root: int, directories: Sequence[str]) -> None:
        send(root, signal.SIGTERM)


class Runit(Supervisor):
    name = "runit"
    program = "runsvdir"
    package = "runit"

    def status(self, directories: Sequence[str]) -> Command:
        return ["sv", "status", *directories]

    def nudge(self, directories: Sequence[str]) -> Command:
        return ["sv", "up", *directories]

    def term(self, directories: Sequence[str]) -> Command:
        return ["sv", "term", *directories]

    def stop(self, root: int, directories: Sequence[str]) -> None:
        send(root, signal.SIGHUP)


class S6(Supervisor):
    name = "s6"
    program = "s6-svscan"
    package = "s6"
    needs_word = True

    def start_command(self, stage: Path) -> Command:
        return [self.program, "-c", "1100", str(stage / "scan")]  # its default is 500

    def announce(self, stage: Path) -> None:
        run(["s6-svscanctl", "-a", str(stage / "scan")], self.path)

    def status(self, directories: Sequence[str]) -> Command:
        return for_each(["s6-svstat"], directories)

    def nudge(self, directories: Sequence[str]) -> Command:
        return for_each(["s6-svc", "-u"], directories)

    def term(self, directories: Sequence[str]) -> Command:
        return for_each(["s6-svc", "-t"], directories)

    def stop(self, root: int, directories: Sequence[str]) -> None:
        send(root, signal.SIGTERM)


class Supervisord(Supervisor):
    name = "Supervisor"
    program = "supervisord"
    package = "supervisor"
    needs_word = True
    patience = 90.0
    frugal = True

    def prepare(self, stage: Path, names: Sequence[str]) -> None:
        self._configuration(stage).write_text(SUPERVISORD.format(stage=stage))
        for name in names:
            link(stage, name)
        self._write_programs(stage, names)

    def start_command(self, stage: Path) -> Command:
        return [self.program, "-c", str(self._configuration(stage))]

    def announce(self, stage: Path) -> None:
        names = sorted(entry.name for entry in (stage / "scan").iterdir() if entry.is_symlink())
        self._write_programs(stage, names)
        run(self._control(stage, "update"), self.path)

    def status(self, directories: Sequence[str]) -> Command:
        return self._control(_stage(directories), "status", *_names(directories))

    def nudge(self, directories: Sequence[str]) -> Command:
        return self._control(_stage(directories), "signal", "CONT", *_names(directories))

    def term(self, directories: Sequence[str]) -> Command:
        return self._control(_stage(directories), "signal", "TERM", *_names(directories))

    def stop(self, root: int, directories: Sequence[str]) -> None:
        send(root, signal.SIGTERM)

    def _control(self, stage: Path, *words: str) -> Command:
        return ["supervisorctl", "-c", str(self._configuration(stage)), *words]

    @staticmethod
    def _write_programs(stage: Path, names: Sequence[str]) -> None:
        text = "".join(_program(stage, name) for name in names)
        (stage / "scan" / "all.conf").write_text(text)

    @staticmethod
    def _configuration(stage: Path) -> Path:
        return stage / "supervisord.conf"


def _git(*words: str) -> str:
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def link(stage: Path, name: str) -> None:
    (stage / "scan" / name).symlink_to(stage / "services" / name)


def for_each(command: Sequence[str], directories: Sequence[str]) -> Command:
    """s6's clients take one directory: what a script would do."""
    if len(directories) == 1:
        return [*command, *directories]
    return ["sh", "-c", f'for d; do {" ".join(command)} "$d"; done', "sh", *directories]


def _stage(directories: Sequence[str]) -> Path:
    return Path(directories[0]).parent.parent


def _names(directories: Sequence[str]) -> list[str]:
    return [Path(directory).name for directory in directories]


def _program(stage: Path, name: str) -> str:
    directory = stage / "services" / name
    return f"[program:{name}]\ncommand={directory}/run\ndirectory={directory}\n{PROGRAM}\n"


# startretries: as the others, it shall never give up. No logs: the others write none here.
PROGRAM = "autorestart=true\nstartretries=1000000\nstdout_logfile=NONE\nstderr_logfile=NONE\n"

SUPERVISORD = """\
[supervisord]
nodaemon=true
user=root
logfile=/dev/null
logfile_maxbytes=0
pidfile={stage}/supervisord.pid
minfds=10000
[unix_http_server]
file={stage}/supervisord.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{stage}/supervisord.sock
[include]
files = {stage}/scan/*.conf
"""


def all_supervisors() -> list[Supervisor]:
    return [Ours(), Supervisor(), Runit(), S6(), Supervisord()]
