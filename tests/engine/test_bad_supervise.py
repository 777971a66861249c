"""What lies in `supervise/` and is not what it should be: refused by name, and never written to."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from supervise.protocol import record
from tests.support.bad import line, lines, reason, shown, well
from tests.support.scan import Scan, eventually, program

LOGGER = "#!/bin/sh\nexec cat >/dev/null\n"
PRECIOUS = "precious\n"
FIFOS = ("control", "ok", "stdout", "ready")
FILES = ("lock", "status", "state", "status.new")


def _like(name: str, path: Path) -> None:
    os.mkfifo(path) if name in FIFOS else path.write_text(PRECIOUS)


def _hard(name: str, path: Path) -> None:
    outside = path.parents[2] / f"{path.parents[1].name}.outside"
    _like(name, outside)
    os.link(outside, path)


def _somebodys(name: str, path: Path) -> None:
    _like(name, path)
    os.chown(path, 1234, 1234)


KINDS: dict[str, Callable[[str, Path], object]] = {
    "directory": lambda name, path: path.mkdir(),
    "link": lambda name, path: path.symlink_to(path.parents[2] / "victim"),
    "dangling": lambda name, path: path.symlink_to(path.parents[2] / "nowhere"),
    "device": lambda name, path: os.mknod(path, 0o20600, os.makedev(1, 3)),
    "other": lambda name, path: path.write_text(PRECIOUS) if name in FIFOS else os.mkfifo(path),
    "hard": _hard,
    "somebody's": _somebodys,
}
ENDS = {
    "hard": "has a second name elsewhere: remove it",
    "somebody's": "belongs to somebody else: remove it",
}
TAKEN = {("status.new", "hard"), ("status.new", "somebody's")}
"""What may lie there: it is only removed."""


def begins(name: str) -> str:
    if name == "ready":  # opened when the service starts
        return "supervise: fatal: unable to start bad-{0}/run: bad-{0}/supervise/ready "
    return f"svscan: warning: bad-{{0}}/supervise/{name} "


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to somebody else")
@pytest.mark.parametrize("name", [*FIFOS, *FILES])
def test_every_kind(scan: Scan, name: str) -> None:
    scan.add("good")
    (scan.services / "victim").write_text(PRECIOUS)
    for kind, make in KINDS.items():
        path = scan.add(f"bad-{kind}")
        (path / "supervise").mkdir(0o700)
        (path / "notification-fd").write_text("3\n")
        (path / "log").mkdir()
        program(path / "log/run", LOGGER)
        make(name, path / "supervise" / name)
    scan.start()
    for kind in KINDS:
        if (name, kind) in TAKEN:
            scan.up(f"bad-{kind}")
            continue
        right = "is not a FIFO: remove it" if name in FIFOS else "is not a plain file: remove it"
        said = begins(name).format(kind) + ENDS.get(kind, right)
        assert line(scan, f"bad-{kind}/supervise/{name} ") == said
        assert reason(scan, f"bad-{kind}") == said.split(": ", 2)[2]
        assert shown(scan.home / f"bad-{kind}")["pid"] is None
    well(scan)
    assert (scan.services / "victim").read_text() == PRECIOUS
    assert not (scan.services / "nowhere").exists()
    if name in FILES:
        assert (scan.services / "bad-hard.outside").read_text() == PRECIOUS


def test_it_is_taken_up_when_it_was_removed(scan: Scan) -> None:
    path = scan.add("bad") / "supervise"
    path.mkdir(0o700)
    (path / "control").mkdir()
    svscan = scan.start()
    line(scan, "bad/supervise/control is not a FIFO: remove it")
    assert not shown(scan.home / "bad")["supervised"]
    (path / "control").rmdir()
    svscan.send_signal(1)
    scan.up("bad")
    assert shown(scan.home / "bad")["reason"] is None


def test_status_new_of_one_that_died_there(scan: Scan) -> None:
    path = scan.add("a") / "supervise"
    path.mkdir(0o700)
    (path / "status.new").write_bytes(b"half")
    scan.start()
    scan.up("a")
    assert len((path / "status").read_bytes()) == 18
    assert "bad" not in scan.said()


# supervise/ itself


def test_a_dangling_supervise(scan: Scan) -> None:
    """As after a boot, when the tmpfs to which it leads is empty."""
    target = scan.services / "tmpfs"
    (scan.add("bad") / "supervise").symlink_to(target)
    svscan = scan.start()
    said = f"bad/supervise is a link to '{target}', which does not exist"
    assert line(scan, "bad") == f"svscan: warning: {said}"
    assert reason(scan, "bad") == said
    target.mkdir()
    svscan.send_signal(1)
    scan.up("bad")


def test_a_supervise_that_everybody_can_write(scan: Scan) -> None:
    scan.add("good")
    path = scan.add("bad") / "supervise"
    path.mkdir()
    path.chmod(0o1777)
    scan.start()
    said = "bad/supervise can be written by everybody: chmod o-w"
    assert line(scan, "bad") == f"svscan: warning: {said}"
    assert reason(scan, "bad") == said
    well(scan)


@pytest.mark.parametrize("kind", ["file", "FIFO", "a link to itself"])
def test_a_supervise_that_is_no_directory(scan: Scan, kind: str) -> None:
    scan.add("good")
    path = scan.add("bad") / "supervise"
    if kind == "file":
        path.touch()
    elif kind == "FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to("supervise")
    scan.start()
    said = (
        "unable to stat bad/supervise: symbolic link loop"
        if path.is_symlink()
        else "unable to acquire bad/supervise/lock: not a directory"
    )
    assert line(scan, "bad") == f"svscan: warning: {said}"
    assert reason(scan, "bad") == said
    well(scan)


def test_a_logger_that_cannot_be_supervised(scan: Scan) -> None:
    """The service itself runs, and what it writes waits."""
    path = scan.add("bad", log__run=LOGGER)
    (path / "log/supervise/control").mkdir(parents=True)
    svscan = scan.start()
    said = "bad/log/supervise/control is not a FIFO: remove it"
    assert line(scan, "bad") == f"svscan: warning: {said}"
    assert reason(scan, "bad/log") == said
    assert scan.up("bad")
    (path / "log/supervise/control").rmdir()
    svscan.send_signal(1)
    scan.up("bad/log")


# Status and record while it runs


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 4096])
def test_noise_in_status_and_record_is_overwritten(scan: Scan, data: bytes) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    inside = scan.services / "a/supervise"
    for name in ("status", "state"):
        (inside / name).write_bytes(data)
    os.kill(pid, 9)
    scan.up("a", beside=pid)
    eventually(lambda: shown(scan.home / "a")["state"] == "up", "svstat shows it")
    assert len((inside / "status").read_bytes()) == 18
    assert lines(scan, "warning") == []


def test_an_instance_recorded_by_noise_is_started_once(scan: Scan) -> None:
    """A good checksum over values that make no sense: no process of others is taken or harmed."""
    path = scan.add("a")
    (path / "supervise").mkdir(0o700)
    found = record.Record()
    here = path.stat()
    found.device, found.inode = here.st_dev, here.st_ino
    found.boot = bytes.fromhex(
        Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
    )
    found.state, found.want, found.pid, found.ticks = "up", "up", 2**31 - 1, 2**63
    found.started_at = found.start_at = found.deadline = float("nan")
    found.failures = 2**32 - 1
    found.reason = "\x1b[2J\nnoise"
    (path / "supervise/state").write_bytes(record.pack(found))
    scan.start()
    scan.up("a")
    assert "fault" not in scan.said()
