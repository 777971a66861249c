"""The interfaces and addresses of a network namespace: ours, or that of another process."""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from supervise.director.addresses import addresses

_LINKS, _IPV4, _IPV6 = 0x1, 0x10, 0x100
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR: which changes are told."""
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS = 0x8913
_UP_AND_RUNNING = 0x1 | 0x40

_libc = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


class Link(NamedTuple):
    """An interface: whether it is up and has a carrier, and its addresses as the kernel writes
    them."""

    up: bool
    addresses: frozenset[str]


def links(pid: int | None) -> dict[str, Link]:
    """The interfaces that this process sees, by name; without one, those that we see.

    :raises OSError: where we may not look.
    """
    return _beside(pid, _links)


def namespace(pid: int | None) -> tuple[int, int]:
    """Which one the process is in, or we are; equal for equal ones."""
    found = os.stat(f"/proc/{pid or 'self'}/ns/net")
    return found.st_dev, found.st_ino


def _beside(pid: int | None, act: Callable[[], T]) -> T:
    """What `act` returns where this process has its network. A thread can be elsewhere than its
    process, and what it opened there stays there: so one goes, acts, and ends."""
    if not pid or namespace(pid) == namespace(None):
        return act()
    found: list[T] = []
    trouble: list[OSError] = []

    def go() -> None:
        try:
            _enter(pid)
            found.append(act())
        except OSError as error:
            trouble.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]
    return found[0]


def _enter(pid: int) -> None:
    fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(fd, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), f"/proc/{pid}/ns/net")
    finally:
        os.close(fd)


def _links() -> dict[str, Link]:
    on: dict[int, set[str]] = {}
    for number, address in addresses():
        on.setdefault(number, set()).add(address)
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for number, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # it has gone meanwhile
                found[name] = Link(_is_up(asked, name), frozenset(on.get(number, ())))
    return found


def _is_up(asked: socket.socket, name: str) -> bool:
    request = struct.pack("40s", os.fsencode(name))
    (flags,) = struct.unpack_from("H", fcntl.ioctl(asked, _SIOCGIFFLAGS, request), 16)
    return bool(flags & _UP_AND_RUNNING == _UP_AND_RUNNING)


class AddressChanges:
    """A descriptor that can be read when an address came or went, or an interface went up or down,
    where this process has its network.

    :raises OSError: where the system allows no such socket.
    """

    def __init__(self, pid: int | None) -> None:
        self.namespace = namespace(pid)
        self._socket = _beside(pid, _listen)

    def fileno(self) -> int:
        return self._socket.fileno()

    def drain(self) -> None:
        """What has changed is to be looked at, and only that it has is told."""
        with contextlib.suppress(OSError):  # nothing more, or too much of it
            while self._socket.recv(65536):
                pass

    def close(self) -> None:
        self._socket.close()


def _listen() -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    found = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
    found.bind((0, _LINKS | _IPV4 | _IPV6))
    return found
