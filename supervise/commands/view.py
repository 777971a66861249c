"""What is known of one service: its status, and its record where that is the present one's."""

import os

from supervise.protocol import client, record, status

_ROOM = 64
"""More than any relative's status has, so that its length tells who wrote it."""


class View:
    """One look at a service. `record` is None where only the status can be trusted, and `remark`
    says why where there is one all the same."""

    __slots__ = ("length", "paused", "pid", "record", "remark", "since", "want")

    def __init__(self, data: bytes) -> None:
        """:raises ValueError: where this is no status."""
        self.since, self.pid, self.paused, self.want = status.unpack(data)
        self.length = len(data)
        self.record: record.Record | None = None
        self.remark = ""

    @property
    def state(self) -> str:
        if self.record is not None:
            return self.record.state
        return "up" if self.pid else "down"

    @property
    def summary(self) -> str:
        """The state in a few words."""
        not_ready = self.record is not None and self.record.readiness == "not yet"
        words = [self.state, "not ready" if not_ready and self.pid else "", self.reason]
        return ", ".join([word for word in words if word])

    @property
    def reason(self) -> str:
        return self.record.reason if self.record is not None else ""

    @property
    def instance(self) -> tuple[int, bytes]:
        """Another one after every start."""
        if self.record is not None:
            return self.record.starts, b""
        return self.pid, self.since


def look(directory: bytes) -> View:
    """:raises OSError: where there is no status to be read.
    :raises ValueError: where it is cut short.
    """
    view = View(client.read(directory, b"status", _ROOM))
    try:
        found = read_record(directory)
        if found is not None and _is_older(found, view):
            raise ValueError("another supervisor has written the status since")
        view.record = found
    except ValueError as error:
        view.remark = str(error)
    except OSError as error:
        view.remark = "unable to read supervise/state: " + str(error.strerror)
    if view.record is not None:
        _follow(view, view.record)
    return view


def read_record(directory: bytes) -> record.Record | None:
    """None where there is none, which is what a supervisor of another make leaves.

    :raises ValueError: where it is not usable, or another directory's.
    """
    try:
        data = client.read(directory, b"state", record.SIZE)
    except FileNotFoundError:
        return None
    found = record.unpack(data)
    here = os.stat(directory)
    if (found.device, found.inode) != (here.st_dev, here.st_ino):
        raise ValueError("the record of another directory, copied")
    return found


def _is_older(found: record.Record, view: View) -> bool:
    """Status and record are written one after the other, and on a full disk only the record is. A
    status that differs and is younger comes from a supervisor that keeps no record."""
    return found.since < view.since or (found.since == view.since and found.pid != view.pid)


def _follow(view: View, found: record.Record) -> None:
    view.pid = found.pid
    view.since = found.since
    view.paused = found.paused and found.pid != 0
    view.want = found.want
