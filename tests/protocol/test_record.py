"""`supervise/state`: what comes back, and that nothing broken does."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervise.protocol import record
from supervise.protocol.record import (
    ENDINGS,
    MOST_DEATHS,
    READINESS,
    REASON_SIZE,
    STATES,
    WANTS,
    WARNINGS_SIZE,
    Death,
    Record,
)

HEAD = 16
"""Bytes before what the checksum is of."""

stamps = st.binary(min_size=12, max_size=12)
nonces = st.binary(min_size=8, max_size=8)
words = st.integers(0, 2**32 - 1)
pids = st.integers(0, 2**31 - 1)
longs = st.integers(0, 2**64 - 1)
moments = st.floats(-1.0, 1e12, exclude_max=True)
flags = st.booleans()
deaths = st.builds(Death, stamps, moments, st.integers(-256, 255), flags)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
VALUES = {
    "alone": flags,
    "asked": flags,
    "boot": st.binary(min_size=16, max_size=16),
    "deadline": moments,
    "deaths": st.lists(deaths, max_size=MOST_DEATHS).map(tuple),
    "device": longs,
    "ended": st.sampled_from(ENDINGS),
    "exiting": flags,
    "failed": flags,
    "failures": words,
    "held": flags,
    "helper_nonce": nonces,
    "helper_pid": pids,
    "helper_ticks": longs,
    "inode": longs,
    "intent": flags,
    "logged": flags,
    "next_nonce": nonces,
    "nonce": nonces,
    "owed": flags,
    "paused": flags,
    "pid": pids,
    "readiness": st.sampled_from(READINESS),
    "ready_since": stamps,
    "reason": texts,
    "warnings": texts,
    "session": pids,
    "since": stamps,
    "start_at": moments,
    "started_at": moments,
    "starts": longs,
    "state": st.sampled_from(STATES),
    "ticks": longs,
    "want": st.sampled_from(WANTS),
}


def filled(values: dict[str, object]) -> Record:
    found = Record()
    for name, value in values.items():
        setattr(found, name, value)
    return found


def content(found: Record) -> dict[str, object]:
    values = {name: getattr(found, name) for name in Record.__slots__}
    values["deaths"] = [death.packed for death in found.deaths]
    return values


def example() -> Record:
    found = Record()
    found.state, found.want, found.pid, found.reason = "up", "once", 4242, "because"
    found.deaths = (Death(bytes(12), 1.5, -9, True), Death(bytes(12), 2.5, 111, False))
    return found


def sealed(body: bytes) -> bytes:
    """A record with this body and a checksum that is right."""
    head = record.pack(Record())[:12]
    return head + struct.pack("<I", zlib.crc32(body)) + body


@given(st.fixed_dictionaries(VALUES))
def test_what_is_packed_is_unpacked(values) -> None:
    before = filled(values)
    data = record.pack(before)
    assert len(data) == record.SIZE
    assert content(record.unpack(data)) == content(before)


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), float("-inf"), -2.0, 1e12])
@pytest.mark.parametrize("field", ["started_at", "start_at", "deadline"])
def test_a_time_that_cannot_be_is_an_error(field: str, moment: float) -> None:
    """Though the checksum is right: an alarm set to it would never ring, or for ever."""
    before = example()
    setattr(before, field, moment)
    with pytest.raises(ValueError, match="out of range"):
        record.unpack(record.pack(before))


@pytest.mark.parametrize("field", ["pid", "helper_pid", "session"])
def test_a_pid_that_cannot_be_is_an_error(field: str) -> None:
    before = example()
    setattr(before, field, 2**31)
    with pytest.raises(ValueError, match="out of range"):
        record.unpack(record.pack(before))


def test_every_field_is_tried() -> None:
    assert set(VALUES) == set(Record.__slots__)


def test_a_death_says_what_it_said() -> None:
    found = record.unpack(record.pack(example())).deaths[0]
    assert (found.when, found.uptime, found.status, found.asked) == (bytes(12), 1.5, -9, True)


@given(st.text(max_size=REASON_SIZE))
def test_a_reason_that_is_too_long_is_cut_short(reason) -> None:
    found = Record()
    found.reason = reason.encode("utf-8", "replace").decode() * 40
    back = record.unpack(record.pack(found)).reason
    size = len(back.encode("utf-8", "surrogateescape"))
    assert size <= REASON_SIZE
    again = Record()
    again.reason = back
    assert record.unpack(record.pack(again)).reason == back


def test_warnings_that_are_too_many_are_cut_short() -> None:
    found = Record()
    found.reason, found.warnings = "r" * REASON_SIZE, "one\n" * 1000
    back = record.unpack(record.pack(found))
    assert (back.reason, back.warnings) == (found.reason, ("one\n" * 1000)[:WARNINGS_SIZE])


def test_a_reason_may_hold_a_name_that_is_not_utf_8() -> None:
    found = Record()
    found.reason = b"\xff\xfe/run".decode("utf-8", "surrogateescape")
    assert record.unpack(record.pack(found)).reason == found.reason


def test_more_failures_than_there_is_room_for_are_as_many_as_there_is() -> None:
    found = Record()
    found.failures = 2**40
    assert record.unpack(record.pack(found)).failures == 2**32 - 1


def test_what_comes_after_it_does_not_matter() -> None:
    assert record.unpack(record.pack(example()) + b"more").pid == 4242


# What is broken


def test_cut_short_at_any_length_it_is_an_error() -> None:
    data = record.pack(example())
    for size in range(record.SIZE):
        with pytest.raises(ValueError, match="cut short"):
            record.unpack(data[:size])


def test_every_single_flipped_bit_is_found() -> None:
    data = record.pack(example())
    for bit in range(8 * record.SIZE):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"record|checksum"):
            record.unpack(bytes(broken))


@given(st.binary(max_size=2 * record.SIZE))
def test_noise_is_a_value_error(noise) -> None:
    with pytest.raises(ValueError, match=r"cut short|not a record"):
        record.unpack(noise)


@given(st.binary(max_size=record.SIZE - HEAD))
def test_noise_with_a_right_checksum_is_read_or_a_value_error(noise) -> None:
    """A record of a version that is not ours, in spite of what it says."""
    data = sealed(noise.ljust(record.SIZE - HEAD, b"\xff"))
    try:
        found = record.unpack(data)
    except ValueError as error:
        assert type(error) is ValueError  # noqa: PT017
    else:
        assert len(record.pack(found)) == record.SIZE


@given(st.integers(0, record.SIZE - HEAD - 1), st.integers(0, 255))
def test_any_byte_with_a_right_checksum_is_read_or_a_value_error(at, byte) -> None:
    body = bytearray(record.pack(example())[HEAD:])
    body[at] = byte
    try:
        found = record.unpack(sealed(bytes(body)))
    except ValueError as error:
        assert type(error) is ValueError  # noqa: PT017
    else:
        assert len(record.pack(found)) == record.SIZE


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_named(version) -> None:
    data = record.pack(Record())
    data = data[:8] + struct.pack("<H", version) + data[10:]
    with pytest.raises(ValueError, match=f"version {version}, not 1"):
        record.unpack(data)
