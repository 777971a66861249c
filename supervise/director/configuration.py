"""What keepalived.conf asks for, as far as it can be seen from outside whether it is so.

Pure: files are read by a function that the caller gives. What is not known is passed over, so a
configuration of any version can be read; whether it is right is for keepalived to say.
"""

import contextlib
import ipaddress
import os
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

Read = Callable[[str], list[tuple[str, str]]]
"""Given a path or a pattern, the files that it means: their paths and their texts.

:raises OSError: where one cannot be read.
"""

DEEPEST = 10
"""How many files may include one another."""

_INCLUDE = re.compile(r"\s*include[a-z]*\s+([^!#]*[^!#\s])")
"""The name may have blanks, and goes on to a comment; braces in it are its own."""


class Vrrp(NamedTuple):
    """A vrrp_instance. `addresses` are the virtual ones, each with the interface that it is on."""

    name: str
    interface: str = ""
    state: str = "BACKUP"
    priority: int = 100
    addresses: tuple[tuple[str, str], ...] = ()


class VirtualServer(NamedTuple):
    """`address` and `port` as they are written; a firewall mark has neither. `real_servers` are
    pairs of an address and a port."""

    address: str
    port: int
    protocol: str = "TCP"
    mark: int = 0
    real_servers: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        return f"fwmark {self.mark}" if self.mark else f"{self.protocol} {self.address}:{self.port}"


class Configuration(NamedTuple):
    vrrp: tuple[Vrrp, ...] = ()
    virtual_servers: tuple[VirtualServer, ...] = ()
    files: tuple[str, ...] = ()
    fifo: str = ""
    """The FIFO that VRRP states are written to, where keepalived starts no script to read it."""


class _Block(NamedTuple):
    words: list[str]
    inside: list["_Block"]


def parse(path: str, read: Read) -> Configuration:
    """:raises OSError: where a file cannot be read.
    :raises ValueError: where the braces do not match; the text says where.
    """
    files: list[str] = []
    root = _Block([], [])
    stack = [root]
    for where, words in _lines(path, read, files):
        _take(where, words, stack)
    if len(stack) > 1:
        raise ValueError(f"{path}: {' '.join(stack[-1].words)}: {{ without }}")
    blocks = root.inside
    groups = {
        one.words[1]: [entry.words for entry in one.inside]
        for one in blocks
        if one.words[:1] == ["virtual_server_group"] and len(one.words) > 1
    }
    return Configuration(
        tuple(_vrrp(one) for one in blocks if one.words[:1] == ["vrrp_instance"]),
        tuple(
            server
            for one in blocks
            if one.words[:1] == ["virtual_server"]
            for server in _virtual_servers(one, groups)
        ),
        tuple(files),
        _fifo([one for one in blocks if one.words[:1] == ["global_defs"]]),
    )


def _fifo(definitions: list[_Block]) -> str:
    for name in ("vrrp_notify_fifo", "notify_fifo"):
        path = "".join(_value(one, name) for one in definitions)
        if path and not any(_value(one, f"{name}_script") for one in definitions):
            return path
    return ""


def _lines(
    pattern: str, read: Read, files: list[str], depth: int = 0
) -> Iterator[tuple[str, list[str]]]:
    if depth > DEEPEST:
        raise ValueError(f"{pattern}: includes itself")
    for path, text in read(pattern):
        files.append(path)
        for number, line in enumerate(text.splitlines(), 1):
            if included := _INCLUDE.match(line):
                wanted = os.path.join(os.path.dirname(path), included[1])
                yield from _lines(wanted, read, files, depth + 1)
            elif words := _words(line):
                yield f"{path}: line {number}", words


def _words(line: str) -> list[str]:
    """Without the comment; a brace is a word of its own, and so is what is in quotes."""
    words: list[str] = []
    word, quoted = "", ""
    for sign in line + " ":
        if quoted:
            quoted, word = ("", word) if sign == quoted else (quoted, word + sign)
        elif sign in "\"'":
            quoted = sign
        elif sign in "!#{} \t":
            words += [word] if word else []
            word = ""
            if sign in "!#":
                break
            words += [sign] if sign in "{}" else []
        else:
            word += sign
    return words


def _take(where: str, words: list[str], stack: list[_Block]) -> None:
    pending: list[str] = []
    for word in words:
        if word == "{":
            block = _Block(pending, []) if pending else _last(stack[-1])
            if pending:
                stack[-1].inside.append(block)
            stack.append(block)
            pending = []
        elif word == "}":
            if pending:
                stack[-1].inside.append(_Block(pending, []))
                pending = []
            if len(stack) == 1:
                raise ValueError(f"{where}: }} without {{")
            stack.pop()
        else:
            pending.append(word)
    if pending:
        stack[-1].inside.append(_Block(pending, []))


def _last(block: _Block) -> _Block:
    """The line before a brace that stands alone."""
    if not block.inside:
        block.inside.append(_Block([], []))
    return block.inside[-1]


def _value(block: _Block, name: str, default: str = "") -> str:
    for one in block.inside:
        if one.words[:1] == [name] and len(one.words) > 1:
            return one.words[1]
    return default


def _vrrp(block: _Block) -> Vrrp:
    interface = _value(block, "interface")
    found = [
        address
        for one in block.inside
        if "".join(one.words[:1]) in ("virtual_ipaddress", "virtual_ipaddress_excluded")
        for address in one.inside
    ]
    return Vrrp(
        block.words[1] if len(block.words) > 1 else "",
        interface,
        _value(block, "state", "BACKUP").upper(),
        _number(_value(block, "priority"), 100),
        tuple(
            (canonical(one.words[0].partition("/")[0]), _device(one.words, interface))
            for one in found
            if one.words
        ),
    )


def _device(words: list[str], default: str) -> str:
    return words[words.index("dev") + 1] if "dev" in words[:-1] else default


def canonical(address: str) -> str:
    """As the kernel's addresses are written; what is no address stays what it is."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(address))
    return address


def _virtual_servers(block: _Block, groups: dict[str, list[list[str]]]) -> list[VirtualServer]:
    """One, or one for each entry of a virtual_server_group."""
    words = block.words[1:]
    if words[:1] != ["group"]:
        return [_virtual_server(block, words)]
    entries = groups.get("".join(words[1:2]), [])
    return [_virtual_server(block, entry) for entry in entries if entry and not _is_range(entry)]


def _is_range(entry: list[str]) -> bool:
    """192.0.2.1-9 80: many rows, of which we do not know which ones there must be."""
    return "-" in entry[0]


def _virtual_server(block: _Block, words: list[str]) -> VirtualServer:
    real = [one.words for one in block.inside if one.words[:1] == ["real_server"]]
    servers = tuple(
        (canonical(words[1]), _number(words[2:3], 0)) for words in real if len(words) > 1
    )
    if words[:1] == ["fwmark"]:
        return VirtualServer("", 0, mark=_number(words[1:2], 0), real_servers=servers)
    protocol = _value(block, "protocol", "TCP").upper()
    address = canonical(words[0]) if words else ""
    return VirtualServer(address, _number(words[1:2], 0), protocol, 0, servers)


def _number(text: str | list[str], default: int) -> int:
    word = text if isinstance(text, str) else "".join(text)
    return int(word) if word.isdecimal() else default
