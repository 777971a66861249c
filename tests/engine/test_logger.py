"""The pipe to the logger: nothing is lost, whoever dies."""

import os
import signal

import pytest

from tests.support.gate import Gate, living
from tests.support.probe import became
from tests.support.scan import SLEEPER, Scan, eventually

LINES = 3000
NUMBERS = [str(number) for number in range(1, LINES + 1)]
WRITER = f"#!/bin/sh\nseq {LINES}\necho >>../written\nexec sleep 1000\n"

GATED = "#!/bin/sh\n{gate}\nexec cat >>../../logged\n"
"""Reads nothing before its gate is opened, and all after that."""

TO_THE_END = '#!/bin/sh\ntrap "" TERM\n{gate}\ncat >>../../logged\necho end >>../../logged\n'
"""Ends by nothing but the end of its input."""


def logged(scan: Scan) -> list[str]:
    path = scan.services / "logged"
    return path.read_text().split() if path.exists() else []


def is_logged(scan: Scan, lines: list[str]) -> None:
    eventually(lambda: logged(scan) == lines, lambda: f"{len(lines)} lines: {logged(scan)[-3:]}")


def written(scan: Scan) -> None:
    eventually((scan.services / "written").exists, "all is written")


def test_what_the_service_prints_reaches_the_logger(scan: Scan) -> None:
    scan.add("a", WRITER, log__run=GATED.format(gate=":"))
    scan.start()
    is_logged(scan, NUMBERS)


def test_a_service_does_not_wait_for_its_logger(scan: Scan) -> None:
    """What it writes waits in the FIFO."""
    gate = Gate(scan.services / "gate")
    scan.add("a", WRITER, log__run=GATED.format(gate=gate.wait))
    scan.start()
    written(scan)
    gate.open()
    is_logged(scan, NUMBERS)


def test_a_logger_that_is_killed_before_it_read_loses_nothing(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", WRITER, log__run=GATED.format(gate=gate.wait))
    scan.start()
    written(scan)
    logger = scan.up("a/log")
    for _ in range(5):
        scan.control("a/log", "k")
        logger = scan.up("a/log", beside=logger)
    gate.open()
    is_logged(scan, NUMBERS)


def test_a_logger_that_ends_again_and_again_loses_nothing(scan: Scan) -> None:
    """A shell reads a line byte by byte, so it leaves the rest to its successor."""
    log = (
        "#!/bin/sh\ni=0\nwhile [ $i -lt 700 ] && read -r line\n"
        'do echo "$line"; i=$((i+1)); done >>../../logged\n'
    )
    scan.add("a", WRITER, log__run=log, log__backoff="")
    backoff = scan.services / "a/log/backoff"
    backoff.unlink()
    backoff.mkdir()
    (backoff / "first").write_text("0.1\n")
    scan.start()
    is_logged(scan, NUMBERS)
    assert scan.until("a/log", lambda found: found.starts >= 5).failures >= 4


def test_a_service_gets_no_sigpipe(scan: Scan) -> None:
    """While its logger is down, and when it comes back."""
    gate = Gate(scan.services / "gate")
    run = f"#!/bin/sh\necho before\n{gate.wait}\nseq {LINES}\necho >>../written\nexec sleep 1000\n"
    scan.add("a", run, log__run=GATED.format(gate=":"))
    scan.start()
    pid = scan.up("a")
    is_logged(scan, ["before"])
    scan.control("a/log", "d")
    scan.state("a/log", "down")
    gate.open()
    written(scan)
    assert logged(scan) == ["before"]
    scan.control("a/log", "u")
    is_logged(scan, ["before", *NUMBERS])
    found = scan.record("a")
    assert found is not None
    assert (found.pid, found.deaths) == (pid, ())


def test_all_lives_of_a_service_write_to_the_same_logger(scan: Scan) -> None:
    scan.add("a", "#!/bin/sh\necho $$\nexec sleep 1000\n", log__run=GATED.format(gate=":"))
    scan.start()
    logger = scan.up("a/log")
    pids: list[str] = []
    for _ in range(5):
        pids.append(str(scan.up("a", beside=int(pids[-1]) if pids else 0)))
        is_logged(scan, pids)
        scan.control("a", "t")
    assert scan.up("a/log") == logger


def test_a_service_and_its_logger_are_controlled_apart(scan: Scan) -> None:
    scan.add("a", log__run=SLEEPER)
    scan.start()
    service, logger = scan.up("a"), scan.up("a/log")
    scan.control("a", "d")
    scan.state("a", "down")
    assert living(logger)
    scan.control("a", "u")
    service = scan.up("a")
    scan.control("a/log", "d")
    scan.state("a/log", "down")
    assert living(service)
    assert not living(logger)


def test_a_logger_may_be_down_from_the_start(scan: Scan) -> None:
    scan.add("a", WRITER, log__run=GATED.format(gate=":"), log__down="")
    scan.start()
    written(scan)
    scan.control("a/log", "u")
    is_logged(scan, NUMBERS)


def test_only_stdout_goes_there(scan: Scan) -> None:
    run = "#!/bin/sh\necho to the log\necho to the messages >&2\nexec sleep 1000\n"
    scan.add("a", run, log__run=GATED.format(gate=":"))
    scan.start()
    is_logged(scan, ["to", "the", "log"])
    scan.says("to the messages\n")
    assert "to the log" not in scan.said()


# The end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_logger_reads_to_the_end_and_ends_last(scan: Scan, number: int) -> None:
    """Also what the service writes when it is told to end, and what finish writes after it."""
    gate = Gate(scan.services / "gate")
    run = (
        f"#!/bin/sh\ntrap 'kill -9 $!; seq {LINES}; echo >>../written; exit 0' TERM\n"
        "echo >>../ready\nwhile :; do sleep 1000 & wait; done\n"
    )
    log = TO_THE_END.format(gate=gate.wait)
    scan.add("a", run, log__run=log, finish="#!/bin/sh\necho finish\n")
    scan.start()
    svscan = scan.svscan
    assert svscan is not None
    eventually((scan.services / "ready").exists, "the trap is set")
    svscan.send_signal(number)
    written(scan)
    scan.until("a", lambda found: found.ended == "stopped")
    assert svscan.poll() is None
    gate.open()
    assert svscan.wait(60) == 0
    assert logged(scan) == [*NUMBERS, "finish", "end"]


def test_a_logger_that_was_down_reads_what_is_left(scan: Scan) -> None:
    scan.add("a", WRITER, log__run=TO_THE_END.format(gate=":"), log__down="")
    scan.start()
    written(scan)
    became(scan.up("a"), "sleep")
    assert scan.stop() == 0
    assert logged(scan) == [*NUMBERS, "end"]


def test_the_finish_of_a_logger_gets_the_pipe_too(scan: Scan) -> None:
    """Also at the very end, when nobody writes any more; what is left is for it to read."""
    log = "#!/bin/sh\nread -r line\necho $line >>../../logged\n"
    finish = "#!/bin/sh\ncat >>../../logged\necho end >>../../logged\n"
    gate = Gate(scan.services / "gate")
    scan.add("a", WRITER, log__run=log.replace("read", f"{gate.wait}\nread"), log__finish=finish)
    scan.start()
    svscan = scan.svscan
    assert svscan is not None
    written(scan)
    svscan.terminate()
    scan.until("a", lambda found: found.ended == "stopped")
    gate.open()
    assert svscan.wait(60) == 0
    assert logged(scan) == [*NUMBERS, "end"]


def test_a_logger_that_does_not_end_is_told_to(scan: Scan) -> None:
    scan.add("a", log__run=SLEEPER)
    scan.start()
    scan.up("a")
    scan.up("a/log")
    assert scan.stop() == 0
    assert not list(scan.ours())


def test_each_logger_ends_with_its_own_service(scan: Scan) -> None:
    names = [f"n{number}" for number in range(5)]
    for name in names:
        log = "#!/bin/sh\ntrap '' TERM\ncat >>logged\necho end >>logged\n"
        scan.add(name, f"#!/bin/sh\nseq {LINES}\nexec sleep 1000\n", log__run=log)
    scan.start()
    for name in names:
        became(scan.up(name), "sleep")
    assert scan.stop() == 0
    for name in names:
        text = (scan.services / name / "log/logged").read_text()
        assert text.split() == [*NUMBERS, "end"]


def test_a_successor_gives_the_logger_the_same_pipe(scan: Scan) -> None:
    """What lies unread when svscan is killed is read by a logger of the next one."""
    gate = Gate(scan.services / "gate")
    scan.add("a", WRITER, log__run=GATED.format(gate=gate.wait))
    scan.start()
    written(scan)
    logger = scan.up("a/log")
    scan.kill()
    os.kill(logger, signal.SIGKILL)
    scan.start()
    scan.up("a/log", beside=logger)
    gate.open()
    is_logged(scan, NUMBERS)
