"""The 18 bytes of `supervise/status`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervise.protocol import status, tai64n

SINCE = tai64n.pack(1_000_000_000_000_000_000)
WANTS = [(status.UP, b"u"), (status.DOWN, b"d"), (status.ONCE, b"\0")]


@pytest.mark.parametrize(("want", "byte"), WANTS)
def test_byte_for_byte(want, byte) -> None:
    expected = SINCE + b"\xd2\x04\0\0" + b"\1" + byte
    assert status.pack(SINCE, 1234, True, want) == expected


def test_down_is_pid_0() -> None:
    assert status.pack(SINCE, 0, False, status.DOWN)[12:] == b"\0\0\0\0\0d"


@given(
    st.binary(min_size=12, max_size=12),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.sampled_from([want for want, _ in WANTS]),
)
def test_what_is_packed_is_unpacked(since, pid, paused, want) -> None:
    data = status.pack(since, pid, paused, want)
    assert len(data) == status.SIZE
    assert status.unpack(data) == (since, pid, paused, want)


@pytest.mark.parametrize("more", [b"\3\0", b"\0\1", bytes(22)])
def test_the_longer_status_of_encore_and_runit_is_read(more) -> None:
    data = status.pack(SINCE, 7, False, status.UP)
    assert status.unpack(data + more) == status.unpack(data)


@pytest.mark.parametrize("size", range(status.SIZE))
def test_cut_short_at_any_length_it_is_an_error(size) -> None:
    with pytest.raises(ValueError, match="bad format"):
        status.unpack(status.pack(SINCE, 7, False, status.UP)[:size])


def test_an_unknown_want_is_once() -> None:
    assert status.unpack(bytes(17) + b"z")[3] == status.ONCE


@given(st.binary(max_size=40))
def test_noise_is_read_or_a_value_error(noise) -> None:
    try:
        status.unpack(noise)
    except ValueError:
        assert len(noise) < status.SIZE
