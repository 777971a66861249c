"""When the next instance may start after a death that nobody asked for."""

from typing import NamedTuple

APART = 1.0
"""Seconds between two starts that nobody asked for, as daemontools 0.76 waits after each."""

SPREAD = 0.1
"""How far the jitter moves a delay, so that a fleet does not beat in step."""


class Backoff(NamedTuple):
    """The knobs `backoff/first`, `backoff/max` and `backoff/reset`, in seconds."""

    first: float = 1.0
    max: float = 60.0
    reset: float = 10.0

    def delay(self, failures: int, jitter: float) -> float:
        """Seconds to wait after failure number 2 and later; `jitter` lies between -1 and 1."""
        doublings = min(failures - 2, 64)
        return min(self.first * 2.0**doublings, self.max) * (1 + SPREAD * jitter)


def after_death(
    failures: int, started_at: float, now: float, knobs: Backoff, jitter: float
) -> tuple[int, float]:
    """The new count of failures, and the time of the next start."""
    if now - started_at >= knobs.reset:
        return 0, max(now, started_at + APART)
    if failures == 0:
        return 1, max(now, started_at + APART)
    return failures + 1, now + knobs.delay(failures + 1, jitter)
