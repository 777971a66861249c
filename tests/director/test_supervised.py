"""keepalived's service directory under a real svscan, with a stub in keepalived's place."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.director.service import INSTANCE, KEEPALIVED, needs_root
from tests.support.scan import Scan, eventually, program

pytestmark = needs_root

STUB = """#!/bin/sh
case "$*" in *--version*) echo "Keepalived v1.2.1" >&2; exit 0;; esac
echo $$ >>"${0%/*}/starts"
exec sleep 1000
"""
GOOD = INSTANCE.replace("bond0.2", "lo")
BROKEN = GOOD.replace("    }\n}", "    }\n")


class Director:
    def __init__(self, scan: Scan, configuration: str) -> None:
        self.scan = scan
        self.configuration = scan.services / "elsewhere" / "director.conf"
        self.configuration.parent.mkdir()
        self.configuration.write_text(configuration)
        programs = scan.services / "programs"
        programs.mkdir()
        program(programs / "keepalived", STUB)
        service = scan.services / "director"
        leave_out = shutil.ignore_patterns("supervise", "box")
        shutil.copytree(KEEPALIVED, service, ignore=leave_out)
        (service / "env" / "CONFIGURATION").write_text(f"{self.configuration}\n")
        (service / "env" / "KEEPALIVED").write_text(f"{programs}/keepalived\n")
        self.service = service
        self.starts = programs / "starts"

    def begin(self) -> None:
        self.scan.link("director")
        self.scan.start()

    def rewrite(self, text: str) -> None:
        """As an editor does it: a new file in place of the old."""
        new = self.configuration.with_name("new")
        new.write_text(text)
        new.rename(self.configuration)


@pytest.fixture(autouse=True)
def no_keepalived_of_this_machine() -> None:
    if Path("/run/keepalived.pid").exists():
        pytest.skip("keepalived runs on this machine")


def test_down_with_the_reason_until_it_is_mended(scan: Scan) -> None:
    director = Director(scan, BROKEN)
    (director.service / "backoff" / "max").write_text("60\n")
    (director.service / "backoff" / "first").write_text("60\n")
    director.begin()
    found = scan.until("director", lambda found: found.state == "waiting" and found.failures >= 2)
    assert found.reason == f"{director.configuration}: 1 missing }}"
    director.rewrite(GOOD)
    scan.up("director")
    eventually(director.starts.exists, "it runs")
    assert len(director.starts.read_text().splitlines()) == 1


def test_a_broken_configuration_keeps_the_next_instance_down(scan: Scan) -> None:
    director = Director(scan, GOOD)
    director.begin()
    first = scan.up("director")
    eventually(director.starts.exists, "it runs")
    director.rewrite(BROKEN)
    os.kill(first, signal.SIGKILL)
    scan.until("director", lambda found: "missing }" in found.reason)
    director.rewrite(GOOD)
    scan.up("director", beside=first)


def test_what_was_asked_is_not_asked_again_until_it_changes(scan: Scan) -> None:
    director = Director(scan, GOOD)
    director.begin()
    first = scan.up("director")
    eventually(director.starts.exists, "it runs")
    checked = director.service / "supervise" / "checked"
    before = checked.stat()
    scan.control("director", "t")
    second = scan.up("director", beside=first)
    assert checked.stat().st_mtime_ns == before.st_mtime_ns
    old = director.configuration.with_name("old")
    shutil.copy2(director.configuration, old)
    os.utime(old, (1, 1))
    old.rename(director.configuration)  # new here, though its time is old
    scan.control("director", "t")
    scan.up("director", beside=second)
    eventually(lambda: checked.stat().st_mtime_ns > before.st_mtime_ns, "it was asked again")


def test_a_knob_that_is_wrong_is_seen_too(scan: Scan) -> None:
    director = Director(scan, GOOD)
    director.begin()
    first = scan.up("director")
    (director.service / "env" / "OPTIONS").write_text("-v\n")
    scan.control("director", "t")
    scan.until("director", lambda found: "keepalived would end at once" in found.reason)
    (director.service / "env" / "OPTIONS").write_text("\n")
    scan.up("director", beside=first)
