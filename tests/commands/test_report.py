"""svstat --json."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from supervise.commands import report, svstat, view
from supervise.commands.report import describe, name
from supervise.commands.view import View
from supervise.engine import processes
from supervise.protocol import record
from supervise.protocol.record import Death
from tests.commands.fake import Fake, make_record, stamp
from tests.support.scan import BIN, DEADLINE


def told(fake: Fake) -> dict[str, Any]:
    return describe(fake.directory)


def test_every_key_is_documented_and_always_there(fake: Fake) -> None:
    documented = (Path(__file__).parents[2] / "docs/json.md").read_text()
    supervised = told(fake)
    fake.die()
    assert supervised.keys() == told(fake).keys()
    assert [key for key in supervised if f"`{key}`" not in documented] == []


def test_with_a_supervisor_of_another_make(fake: Fake) -> None:
    fake.status(7, "down", paused=True)
    found = told(fake)
    assert found["supervised"] is True
    assert found["supervisor"] == "daemontools"
    assert (found["state"], found["pid"], found["want"]) == ("up", 7, "down")
    assert found["since"] == "2023-11-14T22:13:20.000000000Z"
    assert found["seconds"] > 0
    assert found["paused"] is True
    assert found["normally"] == "up"
    assert found["ready"] is found["starts"] is found["failures"] is found["record_error"] is None


def test_a_working_directory_that_was_removed(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = "cd $1 && rmdir $1 && exec $2 --json . .."
    command = ["sh", "-c", script, "sh", gone, BIN / "svstat"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == [".", ".."]


def test_a_directory_that_is_removed_while_it_is_looked_at(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(directory: bytes) -> View:
        found = view.look(directory)
        fake.path.rename(fake.path.with_name("elsewhere"))
        return found

    monkeypatch.setattr(report, "look", look)
    found = told(fake)
    assert found["reason"] == "unable to chdir: file does not exist"
    assert (found["state"], found["pid"], found["record_error"]) == (None, None, None)


def test_a_longer_status_is_somebody_elses(fake: Fake) -> None:
    with (fake.inside / "status").open("ab") as file:
        file.write(b"\3\0")
    assert told(fake)["supervisor"] == "other"


def test_everything_that_the_record_says(fake: Fake) -> None:
    (fake.path / "down").touch()
    fake.record(
        at=3,
        state="up",
        pid=7,
        readiness="ready",
        ready_since=stamp(4.5),
        failures=2,
        starts=9,
        exiting=True,
        reason="why",
    )
    found = told(fake)
    assert found["supervisor"] == "supervise"
    assert found["ready"] is True
    assert found["ready_since"] == "2023-11-14T22:13:24.500000000Z"
    assert (found["failures"], found["starts"], found["reason"]) == (2, 9, "why")
    assert (found["exiting"], found["failed"], found["held"]) == (True, False, False)
    assert found["normally"] == "down"
    assert found["next_start"] is None


@pytest.mark.parametrize(
    ("readiness", "ready"), [("untold", None), ("unknown", None), ("not yet", False)]
)
def test_readiness_that_is_not_known(fake: Fake, readiness: str, ready: bool | None) -> None:
    fake.record(state="up", pid=7, readiness=readiness)
    assert (told(fake)["ready"], told(fake)["readiness"]) == (ready, readiness)
    assert told(fake)["ready_since"] is None


def test_next_start_only_of_this_boot_and_while_waiting(fake: Fake) -> None:
    soon = time.monotonic() + 50
    fake.record(state="waiting", start_at=soon)
    assert 0 < told(fake)["next_start"] <= 50
    fake.record(state="waiting", start_at=soon - 100)
    assert told(fake)["next_start"] == 0
    fake.record(state="waiting", start_at=soon, boot=bytes(16))
    assert told(fake)["next_start"] is None
    fake.record(state="up", pid=7, start_at=soon)
    assert told(fake)["next_start"] is None


def test_deaths(fake: Fake) -> None:
    fake.record(
        deaths=(
            Death(stamp(9), 1.25, -signal.SIGKILL, True),
            Death(stamp(8), 0.5, 7, False),
            Death(stamp(7), 2.0, record.UNKNOWN, False),
            Death(stamp(6), 2.0, -(signal.SIGRTMIN + 3), False),
        )
    )
    keys = ("uptime", "cause", "exit_code", "signal", "signal_name", "asked")
    number = signal.SIGRTMIN + 3
    assert [tuple(death[key] for key in keys) for death in told(fake)["deaths"]] == [
        (1.25, "signal", None, 9, "SIGKILL", True),
        (0.5, "exit", 7, None, None, False),
        (2.0, "unknown", None, None, None, False),
        (2.0, "signal", None, number, "SIGRTMIN+3", False),
    ]


def test_a_record_that_is_not_usable_is_named(fake: Fake) -> None:
    (fake.inside / "state").write_bytes(b"noise")
    assert told(fake)["record_error"] == "cut short"
    fake.die()
    assert told(fake)["record_error"] == "cut short"


def test_a_bad_status_of_a_living_supervisor(fake: Fake) -> None:
    (fake.inside / "status").write_bytes(b"noise")
    found = told(fake)
    assert found["supervised"] is True
    assert found["reason"] == "unable to read supervise/status: bad format"


def test_without_a_supervisor_the_history_stays(fake: Fake) -> None:
    fake.record(state="up", pid=2**22 + 1, ticks=5, starts=4, deaths=(Death(stamp(), 1, 0, False),))
    fake.die()
    found = told(fake)
    assert found["supervised"] is False
    assert found["reason"] == "supervise not running"
    assert found["state"] is found["pid"] is found["since"] is None
    assert found["starts"] == len(found["deaths"]) + 3 == 4


def test_without_a_supervisor_an_instance_that_still_runs(fake: Fake) -> None:
    pid = os.getpid()
    ticks = processes.start_of(pid)
    fake.record(state="up", pid=pid, ticks=ticks)
    fake.die()
    assert (told(fake)["state"], told(fake)["pid"]) == ("up", pid)
    (fake.inside / "state").write_bytes(
        record.pack(make_record(fake.path, state="up", pid=pid, ticks=ticks + 1))
    )
    assert told(fake)["pid"] is None


@pytest.mark.parametrize("form", ["{}", "{}/", "{}//"])
def test_why_svscan_refused_it(tmp_path: Path, form: str) -> None:
    """As it noted beside the name in the scan directory, whatever that name points to."""
    real = tmp_path / "elsewhere"
    real.mkdir()
    scan = tmp_path / "scan"
    (scan / ".svscan/refused").mkdir(parents=True)
    (scan / "web").symlink_to(real)
    (scan / ".svscan/refused/web").write_text("everybody can write it\n")
    assert describe(os.fsencode(form.format(scan / "web")))["reason"] == "everybody can write it"
    assert "refused" not in describe(os.fsencode(real))["reason"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"/service/a", b"a"),
        (b"a/", b"a"),
        (b"./a//log/", b"a/log"),
        (b"log", b"log"),
        (b"/", b""),
    ],
)
def test_names(path: bytes, shown: bytes) -> None:
    assert name(path) == shown


def test_the_name_of_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert name(b".") == b"here"
    assert name(b"..") == os.fsencode(tmp_path.name)


def test_a_line_each_and_bytes_come_back(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9\n"
    os.mkdir(odd)
    assert svstat.run(["--json", os.fsdecode(odd), "nowhere"]) == 0
    lines = capfdbinary.readouterr().out.splitlines()
    assert b"\\udce9" in lines[0]
    assert [os.fsencode(json.loads(line)["directory"]) for line in lines] == [odd, b"nowhere"]
