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


class Own(NamedTuple):
    """What keepalived itself says of an instance, and since when: seconds since 1970."""

    state: str
    since: float


class Instance(NamedTuple):
    """A VRRP instance. `since` is when its state was noted first, in seconds since 1970; None:
    unknown. `own` is None where keepalived itself was not heard."""

    name: str
    holdings: tuple[Holding, ...]
    since: float | None = None
    served: bool = True
    own: Own | None = None

    @property
    def state(self) -> str:
        """MASTER, BACKUP, FAULT, DOWN or UNKNOWN. What the kernel shows goes before what keepalived
        says; but a fault may be one that only keepalived knows of, as of a script."""
        said = self.own.state if self.own else "UNKNOWN"
        shown = self.shown
        return said if shown == "UNKNOWN" or (shown, said) == ("BACKUP", "FAULT") else shown

    @property
    def shown(self) -> str:
        """As the kernel shows it. What holds an address is master, whatever it thinks; what holds
        none and is not `served`, by a VRRP process that goes on, is no backup either."""
        if any(one.held for one in self.holdings):
            return "MASTER"
        if not self.served:
            return "DOWN"
        if not self.holdings:
            return "UNKNOWN"
        return "BACKUP" if all(one.up for one in self.holdings) else "FAULT"


class Facts(NamedTuple):
    """`service` is what `svstat --json` says of it; `now` is when that was. `configuration` is None
    where it cannot be read, and `trouble` says why. `table` is None where the kernel has no IPVS.
    `changed` and `loaded` are when the configuration on disk was changed, and when it was read
    last, as far as is known. `child_deaths` are those that were noted since: role and time.
    `differences` says what was set otherwise since the start. All times are in seconds since 1970.
    `forbidden` says what we may not look at, and why."""

    directory: str
    service: dict[str, Any]
    now: float = 0.0
    processes: tuple[Process, ...] = ()
    configuration: Configuration | None = None
    trouble: str = ""
    instances: tuple[Instance, ...] = ()
    table: tuple[Service, ...] | None = None
    vrrp_alone: bool = False
    changed: float = 0.0
    loaded: float = 0.0
    child_deaths: tuple[tuple[str, float], ...] = ()
    differences: tuple[str, ...] = ()
    forbidden: str = ""

    @property
    def name(self) -> str:
        return str(self.service["name"])
