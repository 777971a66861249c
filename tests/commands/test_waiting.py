"""svc --wait and svwait, against a supervisor that does only what the test says."""

import os
from pathlib import Path

import pytest

from supervise.commands import svc, svwait, waiting
from supervise.engine import watch
from tests.commands.client import client
from tests.commands.fake import Fake, supervised

# svc --wait


def test_it_is_not_fooled_by_what_was_true_before(fake: Fake) -> None:
    """Up and wanted up it is already; but the letters of somebody else come first."""
    fake.status(7)
    os.write(fake.control, b"d")
    with client("svc", "--wait", "-u", fake.path) as svc:
        svc.asleep()
        fake.receive(b"d")
        fake.status(7, "down")
        fake.receive(b"u")
        fake.status(7, "up", at=1)
        svc.asleep()
        assert svc.runs()
        fake.receive(b"\n")
        assert svc.outcome() == (0, "")


def test_a_restart_is_over_when_the_new_instance_is_ready(fake: Fake) -> None:
    fake.record(state="up", pid=7, starts=1, readiness="ready")
    with client("svc", "--wait", "-t", fake.path) as svc:
        fake.serve(b"t")
        fake.record(at=1, state="finishing", starts=1)
        fake.record(at=2, state="up", pid=8, starts=2, readiness="not yet")
        svc.asleep()
        assert svc.runs()
        fake.record(at=2, state="up", pid=8, starts=2, readiness="ready")
        assert svc.outcome() == (0, "")


def test_down_is_over_when_the_leftovers_are_gone(fake: Fake) -> None:
    fake.record(state="up", pid=7)
    with client("svc", "-d", "--wait", fake.path) as svc:
        fake.receive(b"d")
        fake.record(at=1, state="leftovers", want="down")
        fake.receive(b"\n")
        svc.asleep()
        assert svc.runs()
        fake.record(at=1, state="down", want="down")
        assert svc.outcome() == (0, "")


def test_letters_with_nothing_to_wait_for_are_delivered(fake: Fake) -> None:
    with client("svc", "--wait", "-h12", fake.path) as svc:
        fake.receive(b"h12")
        assert svc.runs()
        fake.receive(b"\n")
        assert svc.outcome() == (0, "")


def test_exit_is_over_when_nobody_supervises(fake: Fake) -> None:
    with client("svc", "--wait", "-dx", fake.path) as svc:
        fake.receive(b"dx")
        assert svc.runs()
        fake.die()
        assert svc.outcome() == (0, "")


def test_a_supervisor_that_dies_leaves_nothing_to_wait_for(fake: Fake) -> None:
    with client("svc", "--wait", "-u", fake.path) as svc:
        fake.receive(b"u")
        fake.die()
        assert svc.outcome() == (102, f"svc: {fake.path}: supervise is gone\n")


def test_hopeless(fake: Fake) -> None:
    fake.record(state="up", pid=7)
    with client("svc", "--wait", "-t", fake.path) as svc:
        fake.serve(b"t")
        fake.record(at=1, state="down", want="down", failed=True, reason="exit 125")
        code, said = svc.outcome()
    assert code == 1
    assert said == f"svc: {fake.path}: it failed for good (exit 125)\n"


def test_letters_that_nobody_reads_in_time(fake: Fake) -> None:
    """The night when the supervisor itself hangs: the line must not point at the service."""
    fake.record(state="up", pid=7)
    with client("svc", "--wait=0.01", "-t", fake.path) as svc:
        code, said = svc.outcome()
    assert code == 99
    assert said == f"svc: {fake.path}: not in time, its supervisor does not read letters\n"


def test_what_has_happened_is_told_when_the_status_tells_it_too(fake: Fake) -> None:
    """The record is written first; whoever asks svstat next is to see the same."""
    fake.record(state="up", pid=7, starts=1)
    with client("svc", "--wait", "-t", fake.path) as svc:
        fake.serve(b"t")
        fake.record_alone(at=2, state="up", pid=8, starts=2)
        svc.asleep()
        assert svc.runs()
        fake.status(8, at=2)
        assert svc.outcome() == (0, "")


def test_several_are_all_waited_for(fake: Fake, tmp_path: Path) -> None:
    nobody = tmp_path / "nobody"
    nobody.mkdir()
    with (
        supervised(tmp_path / "second") as second,
        client("svc", "--wait", "-u", nobody, second.path, fake.path) as svc,
    ):
        fake.serve(b"u")
        fake.status(7, at=1)
        svc.asleep()
        assert svc.runs()
        second.serve(b"u")
        second.status(8, at=1)
        code, said = svc.outcome()
    assert code == 102
    assert said == f"svc: warning: unable to control {nobody}: file does not exist\n"


def test_no_directory_at_all(capfd: pytest.CaptureFixture[str]) -> None:
    """A script whose variable is empty is not to believe that something was restarted."""
    assert svc.run([b"-t", b"--wait"]) == 100
    assert capfd.readouterr().err == "svc: usage: no directory given (see svc --help)\n"


def test_one_directory_twice(fake: Fake) -> None:
    with client("svc", "--wait", "-u", fake.path, fake.path) as svc:
        fake.receive(b"uu")
        fake.receive(b"\n\n")
        fake.status(7, at=1)
        assert svc.outcome() == (0, "")


def test_status_written_in_place(fake: Fake) -> None:
    """As encore does it."""
    fake.status(7)
    done = (fake.inside / "status").read_bytes()
    fake.status(0, "up")
    with client("svwait", "-u", fake.path) as svwait:
        svwait.asleep()
        (fake.inside / "status").write_bytes(done)
        assert svwait.outcome() == (0, "")


def test_without_inotify_it_looks_from_time_to_time(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(24, "too many inotify instances")

    monkeypatch.setattr(watch, "Watcher", refuse)
    fake.status(7)
    assert svwait.run(["-u", str(fake.path)]) == 0
    assert svwait.run(["-d", "-t", "0.25", str(fake.path)]) == 99


# svwait


@pytest.mark.parametrize(("mode", "readiness"), [("-u", "not yet"), ("-r", "ready")])
def test_up_and_ready(fake: Fake, mode: str, readiness: str) -> None:
    fake.record(state="waiting")
    with client("svwait", mode, fake.path) as svwait:
        svwait.asleep()
        assert svwait.runs()
        fake.record(at=1, state="up", pid=7, readiness=readiness)
        assert svwait.outcome() == (0, "")


def test_ready_is_more_than_up(fake: Fake) -> None:
    fake.record(state="up", pid=7, readiness="not yet")
    with client("svwait", "-r", "-t", "0.01", fake.path) as svwait:
        said = f"svwait: {fake.path}: not in time, it is up, not ready\n"
        assert svwait.outcome() == (99, said)


def test_not_in_time(fake: Fake) -> None:
    fake.record(state="waiting", reason="exit 7 after 0.1 s")
    with client("svwait", "-u", "-t", "0.01", fake.path) as svwait:
        said = f"svwait: {fake.path}: not in time, it is waiting, exit 7 after 0.1 s\n"
        assert svwait.outcome() == (99, said)


def test_ready_is_not_guessed_where_it_cannot_be_read(fake: Fake) -> None:
    """As by one who may look at `ok` and `status` alone."""
    fake.record(state="up", pid=7, readiness="not yet")
    (fake.inside / "state").unlink()
    (fake.inside / "state").mkdir()
    with client("svwait", "-r", fake.path) as svwait:
        why = "unable to read supervise/state: Is a directory"
        said = f"svwait: {fake.path}: whether it is ready cannot be told ({why})\n"
        assert svwait.outcome() == (1, said)
    with client("svwait", "-u", fake.path) as svwait:
        assert svwait.outcome() == (0, "")


def test_a_plain_file_in_place_of_ok(fake: Fake) -> None:
    """Nobody reads it, so nobody supervises: as svstat --json says."""
    (fake.inside / "ok").unlink()
    (fake.inside / "ok").touch()
    with client("svwait", "-u", fake.path) as svwait:
        assert svwait.outcome() == (102, f"svwait: {fake.path}: supervise not running\n")


def test_what_was_in_the_way_only_once(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is over when the steps are gone through again, and is said all the same."""

    def refuse(directory: bytes) -> None:
        raise OSError(24, "any text")

    monkeypatch.setattr(waiting, "look", refuse)
    assert svwait.run(["-u", str(fake.path)]) == 111
    why = "unable to look at it: process cannot open more files"
    assert capfd.readouterr().err == f"svwait: {fake.path}: {why}\n"


def test_down(fake: Fake) -> None:
    fake.status(7)
    with client("svwait", "-d", fake.path) as svwait:
        svwait.asleep()
        fake.status(0, at=1)
        assert svwait.outcome() == (0, "")


def test_nobody_supervises(fake: Fake) -> None:
    fake.die()
    with client("svwait", "-d", fake.path) as svwait:
        assert svwait.outcome() == (102, f"svwait: {fake.path}: supervise not running\n")


def test_no_directory(tmp_path: Path) -> None:
    with client("svwait", "-d", tmp_path / "nothing") as svwait:
        said = f"svwait: {tmp_path}/nothing: unable to chdir: file does not exist\n"
        assert svwait.outcome() == (111, said)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "svwait -u|-d|-r [-t SECONDS] dir ..."),
        (["-u"], "no directory given"),
        (["a"], "svwait -u|-d|-r [-t SECONDS] dir ..."),
        (["-ud", "a"], "svwait -u|-d|-r [-t SECONDS] dir ..."),
        (["-z", "a"], "unknown option -z"),
        (["-u", "-t"], "-t needs a number of seconds"),
        (["-ut", "soon", "a"], "not a number of seconds: soon"),
        (["-u", "-t-1", "a"], "not a number of seconds: -1"),
        (["-u", "-tnan", "a"], "not a number of seconds: nan"),
        (["--up", "a"], "unknown option --up"),
        (["-u", "--timeout=5", "a"], "unknown option --timeout=5"),
        (["-u", "-t", "", "a"], "not a number of seconds: nothing"),
    ],
)
def test_wrong_usage(arguments: list[str], why: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert svwait.run(arguments) == 100
    assert capfd.readouterr() == ("", f"svwait: usage: {why} (see svwait --help)\n")


@pytest.mark.parametrize("option", ["--wait=", "--wait=x", "--wait=-1", "--wait=inf"])
def test_wrong_seconds(option: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert svc.run([os.fsencode(option), b"-u", b"a"]) == 100
    assert "not a number of seconds" in capfd.readouterr().err
