"""What was seen of one director, all at one time. No opinion, no colour."""

from typing import Any, NamedTuple

from supervise.director.configuration import Configuration
from supervise.director.ipvs import Service

PARENT, VRRP, CHECKERS, CHILD = "parent", "VRRP", "health checkers", "child"


class Process(NamedTuple):
    """`age` is in seconds, `memory` the resident set in bytes, `cpu` the seconds used."""

    pid: int
    role: str
    age: float
    memory: int
    cpu: float


class Holding(NamedTuple):
    """A virtual address, the interface that it belongs on, whether it is there, and whether that
    interface is up; None: it does not exist."""

    address: str
    interface: str
    held: bool
    up: bool | None


class Instance(NamedTuple):
    """A VRRP instance, as the kernel shows it. `since` is in seconds since 1970; None: unknown."""

    name: str
    holdings: tuple[Holding, ...]
    since: float | None = None
    served: bool = True

    @property
    def state(self) -> str:
        """MASTER, BACKUP, FAULT or DOWN. What holds an address is master, whatever it thinks; what
        holds none and is not `served`, by a VRRP process that goes on, is no backup either."""
        if any(one.held for one in self.holdings):
            return "MASTER"
        if not self.served:
            return "DOWN"
        if not self.holdings:
            return "UNKNOWN"
        return "BACKUP" if all(one.up for one in self.holdings) else "FAULT"


class Facts(NamedTuple):
    """`service` is what `svstat --json` says of it. `configuration` is None where it cannot be
    read, and `trouble` says why. `table` is None where the kernel has no IPVS. `changed` and
    `loaded` are when the configuration on disk was changed, and when it was read last, as far as
    is known: seconds since 1970. `forbidden` says what we may not look at, and why."""

    directory: str
    service: dict[str, Any]
    processes: tuple[Process, ...] = ()
    configuration: Configuration | None = None
    trouble: str = ""
    instances: tuple[Instance, ...] = ()
    table: tuple[Service, ...] | None = None
    vrrp_alone: bool = False
    changed: float = 0.0
    loaded: float = 0.0
    forbidden: str = ""

    @property
    def name(self) -> str:
        return str(self.service["name"])
