"""The log FIFO: each line exactly once and in order, whoever dies."""

import os
import signal

from supervise.engine.checked import waiting_bytes
from tests.support.gate import Gate, end, gone, replace_svscan, taken_up
from tests.support.scan import Scan, eventually

ROUND = 3000
"""Lines: more than the 64 kB that a FIFO holds."""

WRITER = """#!/bin/sh
trap 'echo TERM >>../ends; exit 0' TERM
i=0
while {gate}; do
    n=0
    while [ $n -lt {lines} ]; do
        n=$((n + 1)) i=$((i + 1))
        echo "line $i of a service that says a lot" || echo "$i: $?" >>../errors
    done
    echo "$i" >>../rounds
done
"""
LOGGER = "#!/bin/sh\necho log $$ >>../../starts\n{gate}\nexec cat >>../../log\n"


def writing(scan: Scan, at_gate: bool) -> tuple[Gate, Gate]:
    """A service that writes a round of lines each time that its gate is opened; the gate of its
    logger, where that waits at one."""
    rounds = Gate(scan.services / "rounds-gate")
    reading = Gate(scan.services / "reading-gate")
    logger = LOGGER.format(gate=reading.wait if at_gate else ":")
    scan.add("a", WRITER.format(gate=rounds.wait, lines=ROUND), log__run=logger)
    scan.start()
    scan.up("a")
    scan.up("a/log")
    eventually(scan.starts, "the logger")
    return rounds, reading


def unread(scan: Scan) -> int:
    """How much lies in the log FIFO."""
    fd = os.open(scan.services / "a/supervise/stdout", os.O_RDONLY | os.O_NONBLOCK)
    try:
        return waiting_bytes(fd)
    finally:
        os.close(fd)


def complete(scan: Scan, rounds: int) -> None:
    """The log, when it has all lines of so many rounds."""
    log = scan.services / "log"
    last = f"line {rounds * ROUND} of"
    eventually(lambda: log.exists() and last in log.read_text()[-1000:], "the last line")
    numbers = [int(line.split()[1]) for line in log.read_text().splitlines()]
    assert numbers == list(range(1, rounds * ROUND + 1))
    assert not (scan.services / "errors").exists()


def test_svscan_is_killed_while_lines_flow(scan: Scan) -> None:
    rounds, _ = writing(scan, at_gate=False)
    service, logger = scan.up("a"), scan.up("a/log")
    for _ in range(4):
        rounds.open()
        replace_svscan(scan, "a", "a/log")
    complete(scan, 4)
    assert (scan.up("a"), scan.up("a/log")) == (service, logger)


def test_svscan_and_logger_are_killed_at_the_same_moment(scan: Scan) -> None:
    """The logger has read nothing yet, or what it has read would be lost with it."""
    rounds, reading = writing(scan, at_gate=True)
    service, logger = scan.up("a"), 0
    for number in range(3):
        logger = scan.up("a/log", beside=logger)
        rounds.open()
        assert scan.svscan is not None
        scan.svscan.kill()
        os.kill(logger, signal.SIGKILL)
        scan.svscan.wait(30)
        gone(logger)
        scan.start()
        logger = scan.up("a/log", beside=logger)
        assert scan.up("a") == service
        reading.open()
        complete(scan, number + 1)
        end(logger)
    assert not (scan.services / "ends").exists()


def test_the_logger_alone_is_killed(scan: Scan) -> None:
    rounds, reading = writing(scan, at_gate=True)
    service, logger = scan.up("a"), scan.up("a/log")
    rounds.open()
    end(logger)
    scan.up("a/log", beside=logger)
    reading.open()
    complete(scan, 1)
    assert scan.up("a") == service


def test_the_service_is_killed_and_its_last_lines_are_logged(scan: Scan) -> None:
    rounds, reading = writing(scan, at_gate=True)
    rounds.open()
    service = scan.up("a")
    eventually(lambda: unread(scan), "it has written something")
    scan.kill()
    end(service)
    scan.start()
    scan.up("a", beside=service)
    taken_up(scan, "a/log")
    reading.open()
    log = scan.services / "log"
    eventually(lambda: log.exists() and log.read_text().startswith("line 1 of"), "its lines")


def test_a_logger_whose_service_is_down_ends_with_svscan_and_begins_at_once(scan: Scan) -> None:
    """However often: its service may come up any moment, and would wait for it."""
    _, reading = writing(scan, at_gate=True)
    scan.control("a", "d")
    scan.state("a", "down")
    for number in range(5):
        logger = scan.up("a/log")
        reading.open()
        replace_svscan(scan, "a", "a/log", meanwhile=lambda pid=logger: gone(pid))
        found = scan.until("a/log", lambda found, old=logger: found.pid not in (0, old))
        assert (found.failures, found.starts, found.state) == (0, number + 2, "up")


def test_a_successor_that_ends_it_all_lets_the_logger_read_to_the_end(scan: Scan) -> None:
    rounds, _ = writing(scan, at_gate=False)
    replace_svscan(scan, "a", "a/log")
    rounds.open()
    eventually((scan.services / "rounds").exists, "all was written")
    assert scan.stop() == 0
    complete(scan, 1)
    assert not list(scan.ours())
