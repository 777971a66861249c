"""A service's life, from its link to `svc -dx`."""

import os
import signal

from tests.support.scan import Scan, eventually


def test_a_link_starts_it_and_a_kill_restarts_it(scan: Scan) -> None:
    scan.start()
    scan.add("a")
    first = scan.up("a")
    eventually(scan.starts, "the start")
    os.kill(first, signal.SIGKILL)
    second = scan.up("a", beside=first)
    both = [f"./run {first}", f"./run {second}"]
    eventually(lambda: scan.starts() == both, "both starts, and no third")


def test_term_to_svscan_takes_all_down(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    scan.up("a")
    assert scan.stop() == 0
    assert not list(scan.ours())


def test_a_successor_goes_on_with_the_same_process(scan: Scan) -> None:
    scan.add("a")
    scan.start()
    pid = scan.up("a")
    scan.kill()
    scan.start()
    scan.control("a", "p")
    assert scan.until("a", lambda found: found.paused).pid == pid
    eventually(lambda: len(scan.starts()) == 1, "the one start")
    os.kill(pid, signal.SIGKILL)
    scan.up("a", beside=pid)
    eventually(lambda: len(scan.starts()) == 2, "a second start")
