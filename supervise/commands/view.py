"""What is known of one service: its status, and its record where that is the present one's."""

import contextlib
import os

from supervise.protocol import client, record, status

_ROOM = 64
"""More than any relative's status has, so that its length tells who wrote it."""

_LOOKS = 3
"""A record is written in place, so one that makes no sense may be read in the midst of that."""


class OthersRecordError(ValueError):
    """A record that tells nothing of this service, or nothing any more."""


class View:
    """One look at a service. `record` is None where only the status can be trusted, and `remark`
    says why where there is one all the same; `unreadable`, whether it could have told more.
    `behind` says that the record tells of something that the status does not tell yet."""

    __slots__ = (
        "behind",
        "length",
        "paused",
        "pid",
        "record",
        "remark",
        "since",
        "unreadable",
        "want",
    )

    def __init__(self, data: bytes) -> None:
        """:raises ValueError: where this is no status."""
        self.since, self.pid, self.paused, self.want = status.unpack(data)
        self.length = len(data)
        self.record: record.Record | None = None
        self.remark = ""
        self.unreadable = self.behind = False

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

    def same_instance(self, other: "View") -> bool:
        """Whether nothing was started between the two looks."""
        if self.record is not None and other.record is not None:
            return self.record.starts == other.record.starts
        return (self.pid, self.since) == (other.pid, other.since)


def look(directory: bytes) -> View:
    """:raises OSError: where there is no status to be read.
    :raises ValueError: where it is cut short.
    """
    view = View(client.read(directory, b"status", _ROOM))
    try:
        found = read_record(directory)
        if found is not None and _is_older(found, view):
            raise OthersRecordError("another supervisor has written the status since")
        view.record = found
    except ValueError as error:
        view.remark = str(error)
        view.unreadable = not isinstance(error, OthersRecordError)
    except OSError as error:
        view.remark = "unable to read supervise/state: " + str(error.strerror)
        view.unreadable = True
    if view.record is not None:
        _follow(view, view.record)
    return view


def read_record(directory: bytes) -> record.Record | None:
    """None where there is none, which is what a supervisor of another make leaves.

    :raises ValueError: where it is not usable, or another directory's.
    """
    try:
        found = _read_whole(directory)
    except FileNotFoundError:
        return None
    here = os.stat(directory)
    if (found.device, found.inode) != (here.st_dev, here.st_ino):
        raise OthersRecordError("the record of another directory, copied")
    return found


def _read_whole(directory: bytes) -> record.Record:
    for _ in range(_LOOKS - 1):
        with contextlib.suppress(ValueError):
            return record.unpack(client.read(directory, b"state", record.SIZE))
    return record.unpack(client.read(directory, b"state", record.SIZE))


def _is_older(found: record.Record, view: View) -> bool:
    """Status and record are written one after the other, and on a full disk only the record is. A
    status that differs and is younger comes from a supervisor that keeps no record."""
    return found.since < view.since or (found.since == view.since and found.pid != view.pid)


def _follow(view: View, found: record.Record) -> None:
    told = (view.pid, view.since, view.paused, view.want)
    view.behind = told != (found.pid, found.since, found.paused, found.want)
    view.pid = found.pid
    view.since = found.since
    view.paused = found.paused and found.pid != 0
    view.want = found.want
