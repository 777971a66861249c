"""The measurements. Each module fills some rows of the table."""

from collections.abc import Callable

from bench.rows import clients, crash, idle, life, many, pickup, restart, single, takeover, upgrade
from bench.session import Session

ACTS: list[tuple[tuple[str, ...], Callable[[Session], None]]] = [
    (("restart",), restart.measure),
    (("pickup",), pickup.measure),
    (life.ROWS, life.measure),
    (("memory1",), single.measure),
    (takeover.ROWS, takeover.measure),
    (upgrade.ROWS, upgrade.measure),
    (("svstat", "svc"), clients.measure),
    (("idle1", "idle", "restart-all"), idle.measure),
    (("crash",), crash.measure),
    (("many", "many-memory"), many.measure),
]
