"""How the clients behave as processes."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.commands.client import BIN, client
from tests.commands.fake import Fake

CLIENTS = ("svc", "svok", "svstat", "svup", "svwait")
HEAVY = "struct enum signal json argparse re pyinotify psutil click ctypes subprocess logging"


@pytest.mark.parametrize("name", CLIENTS)
def test_help_and_version(name: str) -> None:
    for option, begin in [("--help", "usage: "), ("--version", f"{name}, of supervise ")]:
        done = subprocess.run([BIN / name, option], capture_output=True, text=True, check=True)
        assert done.stdout.startswith(begin)
        assert done.stderr == ""


@pytest.mark.parametrize("name", CLIENTS)
def test_an_unknown_long_option_is_one_line(name: str) -> None:
    done = subprocess.run([BIN / name, "--no-such", "x"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (100, "")
    assert done.stderr == f"{name}: usage: unknown option --no-such (see {name} --help)\n"


@pytest.mark.parametrize("name", ["svc", "svok", "svstat", "svup"])
@pytest.mark.parametrize("state", ["running", "dead"])
def test_they_import_next_to_nothing(name: str, state: str, fake: Fake) -> None:
    """Also where something has to be said."""
    fake.status(7)
    if state == "dead":
        fake.die()
    check = (
        "import sys, os\n"
        f"from supervise.commands import {name}\n"
        "argument = os.fsencode(sys.argv[1]) if '%s' == 'svc' else sys.argv[1]\n"
        f"{name}.run([argument])\n"
        f"heavy = set('{HEAVY}'.split()) & set(sys.modules)\n"
        "os.write(2, ' '.join(heavy).encode())\n"
    ) % name
    python = BIN / "python"
    done = subprocess.run([python, "-c", check, fake.path], stderr=subprocess.PIPE, check=True)
    said = b"svc: warning" if (name, state) == ("svc", "dead") else b""
    assert done.stderr.startswith(said)
    assert done.stderr.partition(b"running\n")[2 if said else 0] == b""


def test_a_closed_pipe_ends_svstat_quietly(fake: Fake) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([BIN / "svstat", fake.path], stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "2>&-", ">&- 2>&-"])
def test_output_that_leads_nowhere(fake: Fake, redirection: str) -> None:
    for name, code in [("svstat", 0), ("svok", 0), ("svc", 0), ("svup", 100)]:
        command = f'exec "$0" "$1" {redirection}'
        done = subprocess.run(["sh", "-c", command, BIN / name, fake.path], capture_output=True)
        assert (done.returncode, done.stderr) == (code, b"")


def test_a_full_pipe_that_does_not_block_is_waited_for(fake: Fake) -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    directories = [fake.path] * 2000
    with subprocess.Popen([BIN / "svstat", *directories], stdout=theirs) as svstat:
        os.close(theirs)
        with open(ours, "rb") as pipe:
            assert len(pipe.read().splitlines()) == 2000
    assert svstat.returncode == 0


def test_ctrl_c_ends_a_waiting_client_quietly(fake: Fake) -> None:
    with client("svwait", "-u", fake.path) as svwait:
        svwait.asleep()
        svwait.process.send_signal(signal.SIGINT)
        assert svwait.outcome() == (-signal.SIGINT, "")


def test_on_a_terminal_it_shows_what_it_waits_for(fake: Fake) -> None:
    fake.record(state="waiting", reason="exit 7\33")
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    with subprocess.Popen([BIN / "svwait", "-u", fake.path], stderr=slave) as svwait:
        os.close(slave)
        shown = os.read(master, 1000)
        fake.record(at=1, state="up", pid=7)
        assert svwait.wait() == 0
    shown += os.read(master, 1000)
    os.close(master)
    line = f"svwait: waiting for 1: {fake.path} (waiting, exit 7?) "[:199]
    assert shown.startswith(b"\r" + line.encode() + b"\x1b[K\r")
    assert shown.endswith(b"\r\x1b[K")


def test_svup(fake: Fake, tmp_path: Path) -> None:
    def code() -> int:
        return subprocess.run([BIN / "svup", fake.path], stderr=subprocess.DEVNULL).returncode

    assert code() == 100
    fake.status(7)
    assert code() == 0
    (fake.inside / "status").write_bytes(b"short")
    assert code() == 111
    fake.die()
    assert code() == 100
    done = subprocess.run([BIN / "svup"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (100, "svup: usage: svup dir\n")


@pytest.mark.parametrize("program", CLIENTS)
def test_next_to_nothing_is_imported_before_ctrl_c_is_seen_to(program: str) -> None:
    """Python's own way, a traceback, holds until then."""
    look = f"import supervise.commands.{program}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    imported = done.stdout.split()
    assert "supervise.commands.plain" in imported
    assert not {f"supervise.commands.{one}" for one in ("goals", "waiting", "report")} & {*imported}
