"""Knobs with bad values: one line each, the default is taken, and nobody waits."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from supervise.engine.knobs import Knobs
from tests.support.bad import line, lines, shown, tries, warnings, well
from tests.support.gate import replace_svscan, served
from tests.support.scan import BIN, SLEEPER, Scan, program

FAILING = "#!/bin/sh\nexit 1\n"

SECONDS = "is not a number of seconds"
KNOBS = {
    "backoff/first": (SECONDS, "1 seconds"),
    "backoff/max": (SECONDS, "60 seconds"),
    "backoff/reset": (SECONDS, "10 seconds"),
    "timeout-leftovers": ("is not a number of milliseconds", "0 seconds"),
    "timeout-kill": ("is not a number of milliseconds", "none"),
    "timeout-start-check": ("is not a number of milliseconds", "60 seconds"),
    "timeout-finish": ("is not a number of milliseconds", "5 seconds"),
    "down-signal": ("is not a signal", "15"),
    "notification-fd": ("is not a descriptor number from 3 to 1023", "none"),
    "leftovers": ("is none of ignore, wait, kill", "ignore"),
}
VALUES = {
    "word": b"soon\n",
    "negative": b"-1\n",
    "empty": b"",
    "huge number": b"9" * 5000,
    "not a number": b"nan\n",
    "infinite": b"inf\n",
    "exponent": b"1e3\n",
    "noise": b"\x1b[2J\0\xff\x9b31m",
    "other digits": "\u0663\u00b2".encode(),
}


KINDS: dict[str, Callable[[Path], object]] = {
    "directory": Path.mkdir,
    "FIFO": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


def read(knobs: Knobs, knob: str) -> object:
    name = "backoff" if knob.startswith("backoff/") else knob.replace("-", "_")
    return getattr(knobs, name)()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("knob", KNOBS)
def test_every_bad_value(tmp_path: Path, knob: str, value: str) -> None:
    what, default = KNOBS[knob]
    said: list[str] = []
    knobs = Knobs(bytes(tmp_path), b"bad", lambda _, line: said.append(line))
    taken = read(knobs, knob)
    assert said == []
    knobs.look_again()
    path = tmp_path / knob
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(VALUES[value])
    words = VALUES[value].decode("ascii", "replace").split()
    word = ascii(words[0][:20] if words else "")
    assert read(knobs, knob) == taken
    assert said == [f"bad value in bad/{knob}: {word} {what}; the default is taken: {default}"]


@pytest.mark.parametrize("knob", [*KNOBS, "watch"])
def test_every_bad_value_is_found_when_all_are_looked_at(tmp_path: Path, knob: str) -> None:
    said: list[str] = []
    mended: list[str] = []
    knobs = Knobs(bytes(tmp_path), b"bad", lambda name, _: said.append(name), mended.append)
    knobs.has(b"run")
    knobs.check()
    assert said == []
    path = tmp_path / knob
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\0")
    for _ in range(2):
        knobs.look_again()
        knobs.has(b"run")
        knobs.check()
    assert said == [knob, knob]
    assert mended == []
    path.unlink()
    knobs.look_again()
    knobs.check()
    assert mended == [knob]


@pytest.mark.parametrize("kind", KINDS)
def test_no_plain_files(scan: Scan, kind: str) -> None:
    scan.add("good")
    path = scan.add("bad", FAILING, finish="#!/bin/sh\nexit 0\n")
    (path / "backoff").mkdir()
    for knob in KNOBS:
        KINDS[kind](path / knob)
    scan.start()
    tries(scan, "bad", 2)
    program(path / "run", SLEEPER)
    scan.control("bad", "u")
    scan.up("bad")
    scan.control("bad", "d")
    scan.state("bad", "down")
    said = lines(scan, "bad")
    assert set(said) == {
        f"supervise: warning: bad: bad value in bad/{knob}: it is not a plain file;"
        f" the default is taken: {default}"
        for knob, (_, default) in KNOBS.items()
    }
    assert all(said.count(line) <= 2 for line in said)  # once more after `u`
    well(scan)


def test_a_value_of_a_terabyte(tmp_path: Path) -> None:
    said: list[str] = []
    for knob in KNOBS:
        path = tmp_path / knob
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.truncate(1 << 40)
    knobs = Knobs(bytes(tmp_path), b"bad", lambda _, line: said.append(line))
    for knob in KNOBS:
        read(knobs, knob)
    assert len(set(said)) == len(KNOBS)
    assert all(len(line) < 300 for line in said)


def test_what_is_bad_is_shown_while_it_runs(scan: Scan) -> None:
    """From the start on, though it is needed much later; also by a next svscan, until it is mended
    and somebody asks."""
    path = scan.add("bad", down_signal="TERRM\n", backoff__max="soon\n")
    scan.start()
    pid = scan.up("bad")
    said = [
        "bad value in bad/backoff/max: 'soon' is not a number of seconds;"
        " the default is taken: 60 seconds",
        "bad value in bad/down-signal: 'TERRM' is not a signal; the default is taken: 15",
    ]
    assert warnings(scan, "bad", 2) == said
    assert lines(scan, "bad") == [f"supervise: warning: bad: {line}" for line in said]
    scan.control("bad", "p")
    scan.control("bad", "c")
    served(scan, "bad")
    assert warnings(scan, "bad", 2) == said
    replace_svscan(scan, "bad")
    assert warnings(scan, "bad", 2) == said
    (path / "down-signal").write_text("TERM\n")
    scan.control("bad", "u")
    assert warnings(scan, "bad", 1) == said[:1]
    (path / "backoff/max").unlink()
    scan.control("bad", "t")
    scan.up("bad", beside=pid)
    warnings(scan, "bad", 0)
    assert shown(scan.home / "bad")["reason"] is None


@pytest.mark.parametrize("moved", [True, False])
def test_what_was_bad_under_another_name_can_be_mended(scan: Scan, moved: bool) -> None:
    """The directory was moved, or the link renamed."""
    path = scan.add("bad", down_signal="TERRM\n")
    scan.start()
    pid = scan.up("bad")
    warnings(scan, "bad", 1)
    link = scan.home / "bad"
    if moved:
        path = path.rename(scan.services / "moved")
        link.unlink()
        link.symlink_to(path)
    else:
        link.rename(scan.home / "other")
    scan.send(signal.SIGHUP)
    served(scan, path.name)
    (path / "down-signal").write_text("TERM\n")
    scan.control(path.name, "t")
    scan.up(path.name, beside=pid)
    warnings(scan, link.name if moved else "other", 0)


def test_a_finish_that_cannot_be_started_is_shown_while_it_runs(scan: Scan) -> None:
    path = scan.add("bad", finish="#!/no/such\n")
    scan.start()
    pid = scan.up("bad")
    os.kill(pid, 9)
    scan.up("bad", beside=pid)
    assert "unable to start bad/finish: file does not exist" in warnings(scan, "bad", 1)[0]
    (path / "finish").unlink()
    scan.control("bad", "t")
    warnings(scan, "bad", 0)


def test_a_path_that_cannot_be_watched_is_shown(scan: Scan) -> None:
    scan.add("good")
    path = scan.add("bad", start_check="#!/bin/sh\nexit 1\n", watch="/a\n/b\n")
    start_without_inotify(scan)
    tries(scan, "bad", 2)
    said = "unable to watch /a: process cannot open more files (and 1 more)"
    assert warnings(scan, "bad", 1) == [said]
    assert len(lines(scan, said)) == 1
    (path / "watch").unlink()
    well(scan)


def start_without_inotify(scan: Scan) -> None:
    """A svscan that gets no inotify instance."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    options = [
        "-D",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        "inject=inotify_init,inotify_init1:error=EMFILE",
    ]
    with scan.messages.open("ab") as err:
        scan.svscan = subprocess.Popen(["strace", *options, BIN / "svscan", scan.home], stderr=err)


@pytest.mark.parametrize("kind", ["file", "FIFO"])
def test_a_backoff_that_is_no_directory(scan: Scan, kind: str) -> None:
    path = scan.add("bad", FAILING) / "backoff"
    path.write_text("3\n") if kind == "file" else os.mkfifo(path)
    scan.start()
    tries(scan, "bad", 3)
    assert line(scan, "bad") == (
        "supervise: warning: bad: bad/backoff is not a directory: it is ignored"
    )


def test_a_least_delay(scan: Scan) -> None:
    """A backoff of nothing would spin."""
    scan.add("bad", FAILING, backoff__first="0\n", backoff__max="0.01\n")
    scan.start()
    tries(scan, "bad", 3)
    line(scan, "bad/backoff/first: '0' is less than 0.1 seconds; the default is taken: 1 seconds")
    line(scan, "bad/backoff/max: '0.01' is less than 0.1 seconds; the default is taken: 60 seconds")


# watch


@pytest.mark.parametrize("kind", KINDS)
def test_a_watch_that_is_no_plain_file(scan: Scan, kind: str) -> None:
    scan.add("good")
    KINDS[kind](scan.add("bad", FAILING) / "watch")
    scan.start()
    tries(scan, "bad", 3)
    assert line(scan, "bad") == (
        "supervise: warning: bad: unable to read bad/watch: it is not a plain file"
    )
    well(scan)


@pytest.mark.parametrize(
    "data",
    [b"\0" * 100, b"\x1b[2J/etc\0/\xff\n" * 9, bytes(range(256)) * 400, b"/a\n" * 30000],
    ids=["zeros", "escapes", "noise", "many"],
)
def test_a_watch_with_noise(scan: Scan, data: bytes) -> None:
    scan.add("good")
    (scan.add("bad", FAILING) / "watch").write_bytes(data)
    scan.start()
    tries(scan, "bad", 3)
    assert line(scan, "bad") == (
        "supervise: warning: bad: bad value in bad/watch:"
        " a path a line is wanted, at most 100; the rest is ignored"
    )
    well(scan)


def test_paths_in_watch_that_can_never_be(scan: Scan) -> None:
    """The good one among them is heeded."""
    path = scan.add("bad", start_check="#!/bin/sh\ntest -e go\n", backoff__first="1000\n")
    (path / "backoff/max").write_text("1000\n")
    long = "/" + "x" * 5000
    deep = "/" + "x/" * 2500
    (path / "watch").write_text(f"{long}\n{deep}\n\x1b[2J\n/etc/passwd/x\n/no/such\n  go  \n")
    scan.start()
    scan.until("bad", lambda found: found.state == "waiting" and found.failures == 2)
    (path / "go").touch()
    scan.up("bad")
    assert lines(scan, "Traceback") == lines(scan, "fault") == []
