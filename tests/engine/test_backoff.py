"""Deaths that nobody asked for, and how long the next start waits."""

import os
import signal
import time
from pathlib import Path

import pytest

from supervise.protocol.record import Record
from tests.support.gate import Gate
from tests.support.scan import Scan, eventually

FAILING = "#!/bin/sh\nexit 3\n"
LONG = {"backoff__first": "1000\n", "backoff__max": "8000\n"}
"""So long that what it is does not depend on how fast the machine is."""


def wait_of(found: Record) -> float:
    """Seconds from its last death to the next start."""
    return found.start_at - found.started_at - found.deaths[0].uptime


def test_the_first_failure_waits_for_a_second_since_the_start(scan: Scan) -> None:
    scan.add("a", FAILING, **LONG)
    scan.start()
    first = scan.until("a", lambda found: found.failures == 1)
    assert first.start_at == pytest.approx(first.started_at + 1.0)
    second = scan.until("a", lambda found: found.failures == 2)
    assert second.started_at >= first.start_at
    assert [death.status for death in second.deaths] == [3, 3]
    assert not any(death.asked for death in second.deaths)


def test_the_second_failure_waits_for_the_first_delay(scan: Scan) -> None:
    scan.add("a", FAILING, **LONG)
    scan.start()
    found = scan.until("a", lambda found: found.failures == 2 and found.state == "waiting")
    assert 900 <= wait_of(found) < 1100 + 60


def test_each_failure_doubles_the_wait_up_to_the_most(scan: Scan) -> None:
    """A refused check is a failure too, and a watched file ends its wait without a `u`."""
    new, watched = scan.services / "new", scan.services / "watched"
    scan.add("a", start_check="#!/bin/sh\nexit 1\n", watch=f"{watched}\n", **LONG)
    scan.start()
    waits = []
    for failures in range(1, 8):
        found = scan.until(
            "a", lambda found, n=failures: found.failures == n and found.state == "waiting"
        )
        waits.append(found.start_at - found.started_at)
        new.touch()
        new.rename(watched)  # a single event: a second one might come while it is asked
    for wait, delay in zip(waits[1:], [1000, 2000, 4000, 8000, 8000, 8000], strict=True):
        assert 0.9 * delay <= wait <= 1.1 * delay
    assert waits[0] == pytest.approx(1.0)


def test_it_never_gives_up(scan: Scan) -> None:
    scan.add("a", FAILING, backoff__first="0.1\n", backoff__max="0.1\n")
    scan.start()
    found = scan.until("a", lambda found: found.failures >= 5)
    assert found.starts >= 5


def test_u_starts_at_once_and_zeroes_the_count(scan: Scan) -> None:
    scan.add("a", "#!/bin/sh\ntest -e ../well || exit 1\nexec sleep 1000\n", **LONG)
    scan.start()
    scan.until("a", lambda found: found.failures == 2 and found.state == "waiting")
    (scan.services / "well").touch()
    scan.control("a", "u")
    found = scan.until("a", lambda found: found.state == "up" and found.pid)
    assert found.failures == 0


@pytest.mark.parametrize("letter", list("tkiq"))
def test_a_death_that_was_asked_for_is_never_counted(scan: Scan, letter: str) -> None:
    """However often, and with a failure before; each is started at once."""
    scan.add("a", **LONG)
    scan.start()
    pid = scan.up("a")
    os.kill(pid, signal.SIGKILL)
    for _ in range(5):
        pid = scan.up("a", beside=pid)
        scan.control("a", letter)
    scan.up("a", beside=pid)
    found = scan.until("a", lambda found: len(found.deaths) == 6)
    assert found.failures == 1
    assert [death.asked for death in found.deaths] == [True] * 5 + [False]


def test_d_is_never_counted(scan: Scan) -> None:
    scan.add("a", **LONG)
    scan.start()
    for _ in range(3):
        scan.up("a")
        scan.control("a", "d")
        scan.state("a", "down")
        scan.control("a", "u")
    found = scan.until("a", lambda found: found.state == "up" and found.pid)
    assert (found.failures, [death.asked for death in found.deaths]) == (0, [True] * 3)


def gated(scan: Scan, reset: str) -> tuple[Gate, Path]:
    """A service that has failed once, and fails again when its gate is opened."""
    gate = Gate(scan.services / "gate")
    directory = scan.add("a", f"#!/bin/sh\n{gate.wait}\nexit 1\n", backoff__reset=reset, **LONG)
    scan.start()
    scan.up("a")
    gate.open()
    scan.until("a", lambda found: found.failures == 1 and found.starts == 2 and found.pid)
    return gate, directory


def test_an_instance_that_was_up_long_enough_zeroes_the_count(scan: Scan) -> None:
    gate, directory = gated(scan, "5000\n")
    started = scan.until("a", lambda found: found.starts == 2 and found.pid).started_at
    (directory / "backoff/reset").write_text("0.2\n")
    eventually(lambda: time.monotonic() > started + 0.2, "it is up long enough")
    gate.open()
    found = scan.until("a", lambda found: found.starts == 3 and found.pid)
    assert found.failures == 0
    assert found.started_at >= started + 1.0


def test_an_instance_that_was_not_does_not(scan: Scan) -> None:
    gate, _ = gated(scan, "5000\n")
    gate.open()
    found = scan.until("a", lambda found: found.failures == 2 and found.state == "waiting")
    assert 900 <= wait_of(found) < 1100 + 60


def test_what_cannot_be_started_is_a_failure(scan: Scan) -> None:
    scan.add("a", "#!/nonexistent/interpreter\n", **LONG)
    scan.start()
    found = scan.until("a", lambda found: found.failures == 2 and found.state == "waiting")
    assert (found.starts, found.deaths, found.pid) == (0, (), 0)
    assert "interpreter is missing" in found.reason
    scan.says("supervise: fatal: unable to start a/run: file does not exist")


def test_two_services_wait_for_themselves(scan: Scan) -> None:
    scan.add("a", FAILING, **LONG)
    scan.add("b")
    scan.start()
    scan.until("a", lambda found: found.failures == 2)
    pid = scan.up("b")
    scan.control("b", "t")
    scan.up("b", beside=pid)
