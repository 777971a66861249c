"""Which of status and record is believed."""

import shutil
from pathlib import Path

import pytest

from supervise.commands.view import look
from supervise.protocol import client
from tests.commands.fake import Fake, supervised


def test_the_status_alone(fake: Fake) -> None:
    fake.status(7, "once", at=3)
    view = look(fake.directory)
    assert (view.pid, view.want, view.state, view.record, view.remark) == (
        7,
        "once",
        "up",
        None,
        "",
    )


def test_the_record_with_its_status(fake: Fake) -> None:
    fake.record(state="stopping", pid=7, want="down", reason="because")
    view = look(fake.directory)
    assert view.record is not None
    assert (view.pid, view.want, view.state, view.reason) == (7, "down", "stopping", "because")


def test_a_record_that_is_younger_than_the_status(fake: Fake) -> None:
    """So it is for a moment after every start, and on a full disk for long."""
    fake.record(at=5, state="up", pid=7)
    fake.status(3, at=4)
    view = look(fake.directory)
    assert (view.pid, view.state, view.remark) == (7, "up", "")


def test_a_record_that_another_supervisor_left_behind(fake: Fake) -> None:
    fake.record(at=5, state="up", pid=7)
    fake.status(9, at=6)
    view = look(fake.directory)
    assert (view.pid, view.state, view.record) == (9, "up", None)
    assert "another supervisor" in view.remark


def test_a_record_that_came_with_a_copied_directory(fake: Fake, tmp_path: Path) -> None:
    fake.record(state="up", pid=7)
    with supervised(tmp_path / "copy") as copy:
        shutil.copy(fake.inside / "state", copy.inside / "state")
        shutil.copy(fake.inside / "status", copy.inside / "status")
        view = look(copy.directory)
    assert view.record is None
    assert "another directory" in view.remark


@pytest.mark.parametrize(
    ("content", "remark"),
    [(b"", "cut short"), (b"supervis", "cut short"), (bytes(1024), "not a record")],
)
def test_a_record_that_is_not_usable(fake: Fake, content: bytes, remark: str) -> None:
    (fake.inside / "state").write_bytes(content)
    view = look(fake.directory)
    assert view.record is None
    assert view.remark == remark


def test_a_record_that_is_read_while_it_is_written(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written in place, and whoever reads it takes no lock."""
    fake.record(state="up", pid=7, starts=3)
    real, torn = client.read, [True]

    def read(directory: bytes, name: bytes, size: int) -> bytes:
        data = real(directory, name, size)
        return data[:500] + bytes(524) if name == b"state" and torn and torn.pop() else data

    monkeypatch.setattr(client, "read", read)
    view = look(fake.directory)
    assert view.record is not None
    assert not torn
    assert (view.record.starts, view.remark, view.unreadable) == (3, "", False)


def test_what_the_status_does_not_tell_yet(fake: Fake) -> None:
    fake.record(state="up", pid=7)
    assert not look(fake.directory).behind
    fake.status(7, "down")
    assert look(fake.directory).behind


def test_a_status_that_is_cut_short(fake: Fake) -> None:
    (fake.inside / "status").write_bytes(b"short")
    with pytest.raises(ValueError, match="bad format"):
        look(fake.directory)
