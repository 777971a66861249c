"""The kernel tells when an address comes or goes, or an interface goes up or down (rtnetlink)."""

import contextlib
import socket

_LINKS, _IPV4, _IPV6 = 0x1, 0x10, 0x100
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR: which changes are told."""


class AddressChanges:
    """A descriptor that can be read when something has changed.

    :raises OSError: where the system allows no such socket.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._socket.bind((0, _LINKS | _IPV4 | _IPV6))

    def fileno(self) -> int:
        return self._socket.fileno()

    def drain(self) -> None:
        """What has changed is to be looked at, and only that it has is told."""
        with contextlib.suppress(OSError):  # nothing more, or too much of it
            while self._socket.recv(65536):
                pass
