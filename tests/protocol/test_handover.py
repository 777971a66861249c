"""What is handed over at an upgrade in place: it comes back, and other versions may differ."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervise.protocol import handover, record
from supervise.protocol.handover import HandedEntry, HandedService, Handover
from supervise.protocol.record import Record
from tests.protocol.test_record import VALUES, content, filled

PAGE = (Path(__file__).parents[2] / "docs/protocol.md").read_text()

fds = st.integers(-1, 70000)
longs = st.integers(0, 2**64 - 1)
entries = st.builds(
    HandedEntry,
    longs,
    longs,
    st.binary(),
    st.binary(),
    fds,
    st.booleans(),
    st.booleans(),
    longs,
    longs,
)


def service(**fields: object) -> HandedService:
    found = Record()
    found.state, found.pid, found.reason = "up", 4242, "because"
    return HandedService(found, 3, 4, 5)._replace(**fields)


@given(st.binary(), fds, st.lists(entries))
def test_what_is_packed_is_unpacked(home, lock, some) -> None:
    before = Handover(home, lock, 1024, tuple(some))
    assert handover.unpack(handover.pack(before)) == before


@given(st.fixed_dictionaries(VALUES), fds, st.binary())
def test_a_service_is_unpacked_with_all_of_its_record(values, fd, said) -> None:
    before = service(record=filled(values), ready_fd=fd, said=said)
    (after,) = handover.unpack(handover.pack(Handover(services=(before,)))).services
    assert content(after.record) == content(before.record)
    assert after._replace(record=before.record) == before


def test_what_another_version_adds_is_passed_over() -> None:
    lines = handover.pack(Handover(b"/x", 7, services=(service(),))).splitlines()
    lines[2] += b" mood=good"
    lines.insert(1, b"weather temperature=20 sun_fd=9")
    data = b"\n".join(lines)
    after = handover.unpack(data)
    assert (after.home, after.lock_fd, after.services[0].record.pid) == (b"/x", 7, 4242)
    assert sorted(fd for _, fd in handover.descriptors(data)) == [3, 4, 5, 7, 9]


def test_what_another_version_leaves_out_has_its_default() -> None:
    data = b"supervise-handover version=1\nservice lock_fd=3 pid=17\n"
    (after,) = handover.unpack(data).services
    assert (after.lock_fd, after.ok_fd, after.record.pid, after.record.state) == (3, -1, 17, "down")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a hand-over"),
        (b"\0\xff\n\n=", "not a hand-over"),
        (b"supervise-handover version=2\n", "of version 2, not 1"),
        (b"supervise-handover version=1\nservice state=" + b"odd".hex().encode(), "'odd'"),
        (b"supervise-handover version=1\nservice pid=many", "many"),
        (b"supervise-handover version=1\nservice nonce=zz", "non-hexadecimal"),
    ],
)
def test_what_cannot_be_read_is_a_value_error(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        handover.unpack(data)
    handover.descriptors(data)


@given(st.binary())
def test_noise_is_a_value_error(noise) -> None:
    with pytest.raises(ValueError, match="not a hand-over"):
        handover.unpack(noise)
    handover.descriptors(noise)


def test_the_page_names_every_field() -> None:
    part = PAGE.partition("## The hand-over")[2]
    for thing in (Handover(), HandedEntry(), HandedService()):
        for name in thing._fields:
            if name not in ("record", "entries", "services"):
                assert f"`{name}`" in part, name
    assert record.VERSION == 1
