"""docs/protocol.md and the layout of the record are the same."""

import re
import struct
from pathlib import Path

from supervise.protocol import record

PAGE = (Path(__file__).parents[2] / "docs/protocol.md").read_text()
RECORD, DEATH = re.split(r"#### A death", PAGE.partition("#### The record")[2])
FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i32": "i", "f64": "d"}
CHECKSUM = range(12, 16)


def rows(text: str) -> list[tuple[range, str, str]]:
    """Where, of what type and what, of every field."""
    found = re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \| `(\w+)` \|", text, re.MULTILINE)
    return [(range(int(at), int(at) + int(size)), kind, name) for at, size, kind, name in found]


def changed(name: str, value: object) -> set[int]:
    """The bytes that this field changes."""
    other = record.Record()
    setattr(other, name, value)
    pairs = zip(record.pack(record.Record()), record.pack(other), strict=True)
    return {at for at, (one, two) in enumerate(pairs) if one != two} - set(CHECKSUM)


def test_the_fields_follow_one_another_to_the_end() -> None:
    death = record.Death(bytes(12), 0, 0, True)
    for text, size in ((RECORD, record.SIZE), (DEATH, len(death.packed))):
        assert [at for where, _, _ in rows(text) for at in where] == list(range(size))


def test_each_type_has_its_size() -> None:
    for where, kind, name in rows(RECORD) + rows(DEATH):
        if kind in FORMATS:
            assert struct.calcsize("<" + FORMATS[kind]) == len(where), name


def test_each_field_of_the_record_is_where_the_page_has_it() -> None:
    places = {name: (where, kind) for where, kind, name in rows(RECORD)}
    flags = re.findall(r"^\| (\d) \| `(\w+)` \|", RECORD, re.MULTILINE)
    inner = {"magic", "version", "size", "checksum", "flags", "number", "rest", "deaths"}
    assert set(places) - inner | {name for _, name in flags} == set(record.Record.__slots__) - {
        "deaths"
    }
    for name in set(places) - inner:
        where, kind = places[name]
        data = b"\x01" * len(where)
        value: object = data
        if name in ("reason", "warnings"):
            value = "\x01" * len(where)
        elif kind in FORMATS:
            value = struct.unpack("<" + FORMATS[kind], data)[0]
        words = {"state": record.STATES, "want": record.WANTS, "readiness": record.READINESS}
        words["ended"] = record.ENDINGS
        assert changed(name, words[name][1] if name in words else value) == set(where), name
    for bit, name in flags:
        other = record.Record()
        setattr(other, name, True)
        at = places["flags"][0]
        found = record.pack(other)[at.start : at.stop]
        assert int.from_bytes(found, "little") == 1 << int(bit), name
    death = record.Death(b"\x01" * 12, 1.0, 1, True)
    assert changed("deaths", (death,) * 8) <= set(places["number"][0]) | set(places["deaths"][0])


def test_each_word_has_its_number() -> None:
    for name, words in (("state", record.STATES), ("want", record.WANTS)):
        line = next(line for line in RECORD.splitlines() if f"| `{name}` |" in line)
        assert re.findall(r"(\d) (\w+)", line.rpartition("`")[2]) == [
            (str(number), word) for number, word in enumerate(words)
        ]
