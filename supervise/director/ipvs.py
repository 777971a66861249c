"""The table of virtual servers, as the kernel has it in /proc/net/ip_vs. Pure."""

import ipaddress
from typing import NamedTuple


class RealServer(NamedTuple):
    address: str
    port: int
    weight: int


class Service(NamedTuple):
    """A virtual server. `mark` is that of the firewall; 0: it is told by address and port."""

    protocol: str
    address: str
    port: int
    mark: int
    scheduler: str
    real_servers: tuple[RealServer, ...]


def parse(text: str) -> list[Service]:
    """The services of the table. Lines that cannot be understood are passed over."""
    found: list[Service] = []
    for line in text.splitlines():
        words = line.split()
        try:
            if words[0] in ("TCP", "UDP", "SCTP", "FWM"):
                found.append(_service(words))
            elif words[0] == "->" and found and words[1] != "RemoteAddress:Port":
                last = found[-1]
                servers = (*last.real_servers, _real_server(words))
                found[-1] = last._replace(real_servers=servers)
        except (IndexError, ValueError):
            continue
    return found


def _service(words: list[str]) -> Service:
    if words[0] == "FWM":
        return Service("FWM", "", 0, int(words[1], 16), words[2], ())
    address, port = _place(words[1])
    return Service(words[0], address, port, 0, words[2], ())


def _real_server(words: list[str]) -> RealServer:
    address, port = _place(words[1])
    return RealServer(address, port, int(words[3]))


def _place(text: str) -> tuple[str, int]:
    """C0A80097:0050, or [FE80:..]:0050."""
    address, _, port = text.rpartition(":")
    if address.startswith("["):
        return str(ipaddress.IPv6Address(address.strip("[]"))), int(port, 16)
    return str(ipaddress.IPv4Address(int(address, 16))), int(port, 16)
