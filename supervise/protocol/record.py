"""`supervise/state`: everything that the next supervisor needs to go on where the last one stopped.

One record of fixed size, allocated when the service is taken up and from then on overwritten in
place by a single write, which works on a full disk. All numbers are little-endian. Deadlines are
CLOCK_MONOTONIC seconds, so they hold within one boot; `boot` says which. The layout is documented
in docs/protocol.md.
"""

import struct
import zlib

from supervise.protocol import tai64n

SIZE = 1024
MAGIC = b"supervis"
VERSION = 1
NEVER = -1.0
"""A deadline that is not set."""

_ETERNITY = 1e12
"""Seconds. What lies beyond, infinity, and what is not a number, was not written by us."""

STATES = ("down", "waiting", "checking", "up", "stopping", "leftovers", "finishing", "gone")
WANTS = ("down", "up", "once")
READINESS = ("untold", "not yet", "ready", "unknown")
"""Untold: the service has no `notification-fd`. Unknown: nobody was there to read."""
ENDINGS = ("under way", "stopped")
"""How supervision ended. Under way: its supervisor died, or left on purpose (QUIT)."""

UNKNOWN = -256
"""The status of a death that nobody saw."""

MOST_DEATHS = 8
REASON_SIZE = 240
WARNINGS_SIZE = 320

_MOST_PIDS = 2**31 - 1
"""A pid_t has a sign, and the system calls refuse, or misunderstand, what is beyond."""

_FLAGS = ("exiting", "failed", "held", "paused", "asked", "owed", "logged", "intent", "alone")
_HEAD = struct.Struct("<8sHHI")
_BODY = struct.Struct("<16sQQ BBBBH I IQ8s8s IQ8s I ddd 12s12s QB")
_DEATH = struct.Struct("<12sdiB")
DEATH_SIZE = _DEATH.size
_REASON_AT = _HEAD.size + _BODY.size + MOST_DEATHS * DEATH_SIZE
_WARNINGS_AT = _REASON_AT + REASON_SIZE
_SPARE = SIZE - _WARNINGS_AT - WARNINGS_SIZE
_ALL = struct.Struct(
    f"{_BODY.format} {MOST_DEATHS * DEATH_SIZE}s {REASON_SIZE}s {WARNINGS_SIZE}s {_SPARE}x"
)
"""All but the head. What is too long is cut short."""


class Death:
    """One end of an instance.

    `when` is a TAI64N stamp, `uptime` is in seconds, `status` is the exit code, or the negative
    number of the signal, or UNKNOWN; `asked` says whether a control letter asked for it.
    """

    __slots__ = ("asked", "packed", "status", "uptime", "when")

    def __init__(self, when: bytes, uptime: float, status: int, asked: bool) -> None:
        self.when = when
        self.uptime = uptime
        self.status = status
        self.asked = asked
        self.packed = _DEATH.pack(when, uptime, status, asked)


class Record:
    """What `state` says, field by field; the names are those of docs/protocol.md."""

    __slots__ = (
        "alone",
        "asked",
        "boot",
        "deadline",
        "deaths",
        "device",
        "ended",
        "exiting",
        "failed",
        "failures",
        "held",
        "helper_nonce",
        "helper_pid",
        "helper_ticks",
        "inode",
        "intent",
        "logged",
        "next_nonce",
        "nonce",
        "owed",
        "paused",
        "pid",
        "readiness",
        "ready_since",
        "reason",
        "session",
        "since",
        "start_at",
        "started_at",
        "starts",
        "state",
        "ticks",
        "want",
        "warnings",
    )

    def __init__(self) -> None:
        self.boot = bytes(16)
        self.device = 0
        self.inode = 0
        self.state = "down"
        self.want = "down"
        self.readiness = "untold"
        self.ended = "under way"
        self.exiting = False
        self.failed = False
        self.held = False
        self.paused = False
        self.asked = False
        self.owed = False
        self.logged = False
        self.intent = False
        self.alone = False
        self.failures = 0
        self.pid = 0
        self.ticks = 0
        self.nonce = bytes(8)
        self.next_nonce = bytes(8)
        self.helper_pid = 0
        self.helper_ticks = 0
        self.helper_nonce = bytes(8)
        self.session = 0
        self.started_at = NEVER
        self.start_at = NEVER
        self.deadline = NEVER
        self.since = tai64n.NONE
        self.ready_since = tai64n.NONE
        self.starts = 0
        self.deaths: tuple[Death, ...] = ()
        self.reason = ""
        self.warnings = ""
        """A line each."""


def pack(record: Record) -> bytes:
    flags = 0
    for bit, name in enumerate(_FLAGS):
        if getattr(record, name):
            flags |= 1 << bit
    body = _ALL.pack(
        record.boot,
        record.device,
        record.inode,
        STATES.index(record.state),
        WANTS.index(record.want),
        READINESS.index(record.readiness),
        ENDINGS.index(record.ended),
        flags,
        min(record.failures, 0xFFFFFFFF),
        record.pid,
        record.ticks,
        record.nonce,
        record.next_nonce,
        record.helper_pid,
        record.helper_ticks,
        record.helper_nonce,
        record.session,
        record.started_at,
        record.start_at,
        record.deadline,
        record.since,
        record.ready_since,
        record.starts,
        len(record.deaths),
        b"".join([death.packed for death in record.deaths]),
        record.reason.encode("utf-8", "surrogateescape"),
        record.warnings.encode("utf-8", "surrogateescape"),
    )
    return _HEAD.pack(MAGIC, VERSION, SIZE, zlib.crc32(body)) + body


def unpack(data: bytes) -> Record:
    """:raises ValueError: where this is no record: cut short, noise, or another version's."""
    if len(data) < SIZE:
        raise ValueError("cut short")
    magic, version, size, checksum = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise ValueError("not a record")
    if version != VERSION or size != SIZE:
        raise ValueError(f"a record of version {version}, not {VERSION}")
    if zlib.crc32(data[_HEAD.size : SIZE]) != checksum:
        raise ValueError("wrong checksum")
    try:
        return _fields(data)
    except IndexError:
        raise ValueError("a value out of range") from None


def _fields(data: bytes) -> Record:
    found = Record()
    (
        found.boot,
        found.device,
        found.inode,
        state,
        want,
        readiness,
        ended,
        flags,
        found.failures,
        found.pid,
        found.ticks,
        found.nonce,
        found.next_nonce,
        found.helper_pid,
        found.helper_ticks,
        found.helper_nonce,
        found.session,
        found.started_at,
        found.start_at,
        found.deadline,
        found.since,
        found.ready_since,
        found.starts,
        deaths,
    ) = _BODY.unpack_from(data, _HEAD.size)
    for moment in (found.started_at, found.start_at, found.deadline):
        if not NEVER <= moment < _ETERNITY:
            raise ValueError("a value out of range")
    if max(found.pid, found.helper_pid, found.session) > _MOST_PIDS:
        raise ValueError("a value out of range")
    found.state = STATES[state]
    found.want = WANTS[want]
    found.readiness = READINESS[readiness]
    found.ended = ENDINGS[ended]
    for bit, name in enumerate(_FLAGS):
        setattr(found, name, bool(flags & 1 << bit))
    if deaths > MOST_DEATHS:
        raise ValueError("a value out of range")
    first = _HEAD.size + _BODY.size
    found.deaths = tuple(unpack_death(data, first + n * DEATH_SIZE) for n in range(deaths))
    found.reason = _text(data[_REASON_AT:_WARNINGS_AT])
    found.warnings = _text(data[_WARNINGS_AT : _WARNINGS_AT + WARNINGS_SIZE])
    return found


def _text(words: bytes) -> str:
    return words.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def unpack_death(data: bytes, at: int) -> Death:
    when, uptime, status, asked = _DEATH.unpack_from(data, at)
    return Death(when, uptime, status, bool(asked))
