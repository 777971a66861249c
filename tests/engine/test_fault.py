"""A fault of ours in one service: it is set aside, and the rest goes on."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support.gate import living, served, taken_up
from tests.support.probe import shows, supervised
from tests.support.scan import SLEEPER, Scan, eventually

BROKEN = """
import os, sys
from supervise.commands import svscan
from supervise.engine import {modules}

def breaks(owner, name):
    real = getattr(owner, name)

    def broken(self, *rest, **more):
        if service_name(self) == b"bad" and not os.path.exists(sys.argv[1] + "/.mended"):
            raise ZeroDivisionError("injected")
        return real(self, *rest, **more)

    setattr(owner, name, broken)

def service_name(self):
    found = getattr(self, "_dossier", self)
    if hasattr(found, "place"):
        return found.place.name
    return getattr(self, "_name", "bad/").rstrip("/").encode()

{breaks}
svscan.main()
"""
"""A svscan with a fault in one place, which shows in the service `bad`."""


def start_broken(scan: Scan, owner: str, name: str) -> "subprocess.Popen[bytes]":
    module = owner.split(".")[0]
    script = BROKEN.format(modules=module, breaks=f'breaks({owner}, "{name}")')
    path = scan.home.parent / "broken.py"
    path.write_text(script)
    with scan.messages.open("ab") as err:
        scan.svscan = subprocess.Popen(
            [sys.executable, path, scan.home], stdin=subprocess.DEVNULL, stderr=err
        )
    return scan.svscan


def set_aside(scan: Scan, name: str = "bad") -> None:
    """Wait until it is, and see that svstat and svok have an answer."""
    found = scan.until(name, lambda found: found.reason.startswith("supervisor fault"))
    assert "ZeroDivisionError('injected')" in found.reason
    assert found.held
    scan.says(f"supervise: fatal: {name}: supervisor fault, set aside: ")
    assert scan.said().count("supervisor fault") == 1
    taken_up(scan, name)


def goes_on(scan: Scan, name: str) -> None:
    """See that this service is served."""
    pid = scan.up(name)
    scan.control(name, "t")
    pid = scan.up(name, beside=pid)
    os.kill(pid, signal.SIGKILL)
    scan.control(name, "u")
    scan.up(name, beside=pid)


def test_while_it_is_stopped(scan: Scan) -> None:
    scan.add("bad")
    scan.add("good")
    start_broken(scan, "instance.Instance", "stop")
    pid = scan.up("bad")
    scan.control("bad", "d")
    set_aside(scan)
    assert living(pid)
    goes_on(scan, "good")
    scan.control("bad", "tku")
    goes_on(scan, "good")
    assert living(pid)


def test_while_it_is_started(scan: Scan) -> None:
    scan.add("bad")
    scan.add("good")
    start_broken(scan, "instance.Instance", "start")
    set_aside(scan)
    goes_on(scan, "good")
    assert not any("bad" in line for line in scan.starts())


PLACES = [
    ("instance.Instance", "_died"),
    ("dossier.Dossier", "note_death"),
    ("dossier.Dossier", "happening"),
    ("knobs.Knobs", "backoff"),
    ("helper.Helper", "finish"),
    ("helper.Helper", "_finished"),
    ("leftovers.Leftovers", "look"),
    ("leftovers.Leftovers", "_ended"),
    ("dossier.Dossier", "write_status"),
]
AT_ONCE = {"happening", "write_status"}
"""Where it shows before the service dies."""


@pytest.mark.parametrize(("owner", "name"), PLACES)
def test_wherever_it_is_when_the_service_dies(scan: Scan, owner: str, name: str) -> None:
    run = SLEEPER.replace("exec", "sleep 1000 & exec")
    scan.add("bad", run, finish="#!/bin/sh\n", leftovers="kill\n", backoff__first="1\n")
    scan.add("good")
    start_broken(scan, owner, name)
    if name not in AT_ONCE:
        pid = scan.up("bad")
        eventually(lambda: any(str(pid) in line for line in scan.starts()), "it has begun")
        os.kill(pid, signal.SIGKILL)
    set_aside(scan)
    goes_on(scan, "good")


def test_readiness(scan: Scan) -> None:
    scan.add("bad", "#!/bin/sh\necho >&3\nexec sleep 1000\n", notification_fd="3\n")
    scan.add("good")
    start_broken(scan, "instance.Instance", "_ready")
    pid = scan.up("bad")
    set_aside(scan)
    assert living(pid)
    goes_on(scan, "good")


def test_a_letter(scan: Scan) -> None:
    scan.add("bad")
    scan.add("good")
    start_broken(scan, "service.Service", "order")
    pid = scan.up("bad")
    scan.control("bad", "t")
    set_aside(scan)
    assert living(pid)
    goes_on(scan, "good")


def test_a_change_of_what_is_watched(scan: Scan) -> None:
    well = scan.services / "well"
    long = {"backoff__first": "5000\n", "backoff__max": "5000\n"}
    scan.add("bad", start_check="#!/bin/sh\nexit 1\n", watch=f"{well}\n", **long)
    scan.add("good")
    mended = scan.home / ".mended"
    mended.touch()
    start_broken(scan, "service.Service", "_tell")
    scan.until("bad", lambda found: found.state == "waiting" and found.failures == 2)
    served(scan, "bad")
    mended.unlink()
    well.touch()
    set_aside(scan)
    goes_on(scan, "good")


def test_what_a_check_says(scan: Scan) -> None:
    scan.add("bad", start_check="#!/bin/sh\necho no\nexit 1\n")
    scan.add("good")
    start_broken(scan, "first_line.FirstLine", "_read")
    set_aside(scan)
    goes_on(scan, "good")


# What then


def stopped_badly(scan: Scan) -> int:
    """A service that was set aside while it was told to end; its pid."""
    scan.add("bad")
    scan.add("good")
    start_broken(scan, "instance.Instance", "stop")
    pid = scan.up("bad")
    shows(scan, "bad", pid, b"u")
    scan.control("bad", "d")
    set_aside(scan)
    return pid


def test_term_to_svscan_ends_the_rest_and_leaves_it(scan: Scan) -> None:
    pid = stopped_badly(scan)
    good = scan.up("good")
    assert scan.stop() == 0
    assert living(pid)
    assert not living(good)


def test_a_next_svscan_goes_on_with_it(scan: Scan) -> None:
    """It was told to end, and is told once more."""
    pid = stopped_badly(scan)
    scan.kill()
    scan.start()
    scan.state("bad", "down")
    assert not living(pid)
    scan.control("bad", "u")
    scan.up("bad")


def test_x_lets_it_be_taken_up_afresh(scan: Scan) -> None:
    """As it is: its process runs on."""
    pid = stopped_badly(scan)
    (scan.home / ".mended").touch()
    scan.control("bad", "u")
    assert living(pid)
    scan.control("bad", "x")
    found = scan.state("bad", "down")
    assert not living(pid)
    assert [death.status for death in found.deaths] == [-15]
    scan.control("bad", "u")
    scan.up("bad")


def test_its_death_is_shown(scan: Scan) -> None:
    pid = stopped_badly(scan)
    os.kill(pid, signal.SIGKILL)
    shows(scan, "bad", 0, b"d")
    assert supervised(scan, "bad")


def test_one_that_cannot_be_taken_up(scan: Scan) -> None:
    scan.add("bad")
    scan.add("good")
    start_broken(scan, "dossier.Dossier", "inherit")
    fault = "supervisor fault: ZeroDivisionError('injected')"
    scan.says(f"svscan: warning: unable to supervise bad: {fault}\n")
    goes_on(scan, "good")
    assert not supervised(scan, "bad")
    assert scan.stop() == 0
