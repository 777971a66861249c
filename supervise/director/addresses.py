"""The addresses of the network namespace that we are in, asked of the kernel by rtnetlink.

Not by getifaddrs, which psutil asks: for an IPv4 address that tells the label in place of the
interface, and a label may be any word.
"""

import os
import socket
import struct
from collections.abc import Iterator

_DONE, _ERROR = 3, 2
_NEW_ADDRESS, _GET_ADDRESSES = 20, 22
_REQUEST_DUMP = 0x1 | 0x300
_ADDRESS, _LOCAL = 1, 2
"""IFA_ADDRESS and IFA_LOCAL: where there are both and they differ, the first is the peer's."""
_HEADER = struct.Struct("=IHHII")
_ABOUT = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")


def addresses() -> Iterator[tuple[int, str]]:
    """Each address as the kernel writes it, with the number of its interface.

    :raises OSError: where the system does not tell.
    """
    length = _HEADER.size + _ABOUT.size
    request = _HEADER.pack(length, _GET_ADDRESSES, _REQUEST_DUMP, 1, 0) + bytes(_ABOUT.size)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asked:
        asked.send(request)
        while True:
            for kind, body in _messages(asked.recv(1 << 16)):
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    number = -struct.unpack_from("=i", body)[0]
                    raise OSError(number, os.strerror(number), "rtnetlink")
                if kind == _NEW_ADDRESS:
                    yield from _address(body)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[_aligned(length) :]


def _address(body: bytes) -> Iterator[tuple[int, str]]:
    family, _, _, _, interface = _ABOUT.unpack_from(body)
    found = dict(_attributes(body[_ABOUT.size :]))
    address = found.get(_LOCAL) or found.get(_ADDRESS)
    if address and family in (socket.AF_INET, socket.AF_INET6):
        yield interface, socket.inet_ntop(family, address)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    """A length of 0 would never end."""
    return max(length + 3 & ~3, 4)
