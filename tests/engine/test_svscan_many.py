"""More services than the thousand of daemontools 0.76."""

import os
import signal

from tests.support.scan import Scan, eventually

MANY = 1100


def up(scan: Scan, names: list[str]) -> bool:
    """Whether all are up; asks again only for those that were not."""
    while names:
        found = scan.record(names[-1])
        if found is None or found.state != "up":
            return False
        names.pop()
    return True


def test_more_than_a_thousand_services(scan: Scan) -> None:
    names = [f"s{number:04}" for number in range(MANY)]
    for name in names:
        scan.add(name, "#!/bin/sh\nexec sleep 1000\n")
    scan.start()
    missing = list(names)
    eventually(lambda: up(scan, missing), lambda: f"{len(missing)} are not up; {scan.said()}")
    assert scan.said() == ""
    first = scan.up(names[0])
    last = scan.up(names[-1])
    assert len(os.listdir(scan.home / ".svscan/services")) == MANY
    scan.kill()
    scan.start()
    scan.control(names[-1], "t")
    scan.up(names[-1], beside=last)
    assert scan.up(names[0]) == first
    assert scan.stop(signal.SIGTERM) == 0
    assert scan.said() == ""
    assert not list(scan.ours())
