"""TAI64N stamps, as daemontools 0.76 writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervise.protocol import tai64n


def test_1970_is_two_to_the_62_and_ten_leap_seconds() -> None:
    assert tai64n.pack(0).hex() == "400000000000000a" + "00000000"


@pytest.mark.parametrize(
    ("nanoseconds", "stamp"),
    [
        (1_000_000_000_123_456_789, "400000003b9aca0a" + "075bcd15"),
        (999_999_999, "400000000000000a" + "3b9ac9ff"),
        (-1, "4000000000000009" + "3b9ac9ff"),
    ],
)
def test_seconds_and_nanoseconds_are_big_endian(nanoseconds, stamp) -> None:
    assert tai64n.pack(nanoseconds).hex() == stamp


def test_no_stamp_lies_long_before_everything() -> None:
    assert tai64n.unpack(tai64n.NONE) < 0


@given(st.integers(-(2**62), 2**62))
def test_what_is_packed_is_unpacked(nanoseconds) -> None:
    stamp = tai64n.pack(nanoseconds)
    assert len(stamp) == tai64n.SIZE
    assert tai64n.unpack(stamp) == nanoseconds


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_stamps_sort_as_bytes_like_the_times(one, other) -> None:
    assert (tai64n.pack(one) < tai64n.pack(other)) == (one < other)


@given(st.binary(max_size=20))
def test_noise_is_some_time(noise) -> None:
    assert isinstance(tai64n.unpack(noise), int)
