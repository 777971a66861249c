"""`start-check` and `watch`: whether a service may start, and when that is asked again."""

import os
from pathlib import Path

import pytest

from tests.support.gate import Gate, gone, living, replace_svscan, served
from tests.support.probe import shows
from tests.support.scan import SLEEPER, Scan, eventually

LONG = {"backoff__first": "5000\n", "backoff__max": "5000\n"}
BY_FILE = (
    '#!/bin/sh\necho asked >>../asked\ntest -e "{path}" && exit 0\necho it is missing\nexit 1\n'
)


def refused(scan: Scan, name: str = "a") -> None:
    """Wait until it waits so long that no test sees the end of it."""
    scan.until(name, lambda found: found.state == "waiting" and found.failures >= 2)


def test_it_may_start(scan: Scan) -> None:
    scan.add("a", start_check="#!/bin/sh\necho all is well\nexit 0\n")
    scan.start()
    found = scan.until("a", lambda found: found.pid)
    assert (found.state, found.reason, found.failures) == ("up", "", 0)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'the configuration is wrong'; echo more; exit 1", "the configuration is wrong"),
        ("echo; echo '  a line after an empty one  '; exit 2", "a line after an empty one"),
        ("printf 'no newline'; exit 3", "no newline"),
        ("exit 4", "a/start-check: exit 4"),
        ("echo only on stderr >&2; exit 5", "a/start-check: exit 5"),
        ("kill -9 $$", "a/start-check: killed by signal 9"),
        ("printf 'ab\\377c'; exit 6", "ab?c"),
        ("printf '\\033[2Jno\\tterminal'; exit 6", "?[2Jno terminal"),
        ("yes 0123456789 | head -c 1000000 | tr -d '\\n'; exit 7", "0123456789" * 24),
        ("echo last; exec >&-; exit 8", "last"),
    ],
)
def test_why_not(scan: Scan, script: str, reason: str) -> None:
    scan.add("a", start_check=f"#!/bin/sh\n{script}\n", **LONG)
    scan.start()
    found = scan.until("a", lambda found: found.state == "waiting")
    assert (found.reason, found.starts, found.deaths) == (reason, 0, ())
    scan.says(f"supervise: warning: a: not started: {reason}\n")
    shows(scan, "a", 0, b"u")


def test_what_it_leaves_in_the_background_is_not_waited_for(scan: Scan) -> None:
    """It holds the other end of the pipe on which the reason comes."""
    check = "#!/bin/sh\nsleep 1000 &\necho not now\nexit 1\n"
    scan.add("a", start_check=check, **LONG)
    scan.start()
    assert scan.until("a", lambda found: found.state == "waiting").reason == "not now"


def test_one_that_cannot_be_executed_is_a_refusal(scan: Scan) -> None:
    scan.add("a", start_check="no program\n", **LONG)
    scan.start()
    found = scan.until("a", lambda found: found.state == "waiting")
    assert found.reason.startswith("unable to start a/start-check: access denied")
    assert found.starts == 0


def test_no_crash_loop(scan: Scan) -> None:
    """The service is not started once, the backoff decides when it is asked again."""
    check = "#!/bin/sh\necho asked >>../asked\nexit 1\n"
    scan.add("a", start_check=check, **LONG)
    scan.start()
    found = scan.until("a", lambda found: found.failures == 2 and found.state == "waiting")
    assert found.start_at - found.started_at > 4000
    assert (found.starts, found.deaths) == (0, ())
    assert (scan.services / "asked").read_text().split() == ["asked"] * 2


def test_one_that_hangs_is_killed_at_its_deadline(scan: Scan) -> None:
    """A refusal; what it said before is not why."""
    scan.add("good")
    check = "#!/bin/sh\necho asked >>../asked\necho looking\nexec sleep 1000\n"
    directory = scan.add("a", start_check=check, timeout_start_check="200\n", **LONG)
    scan.start()
    refused(scan)
    found = scan.state("a", "waiting")
    assert found.reason == "a/start-check: not done in 0.2 seconds, killed"
    assert (found.starts, found.deadline) == (0, -1)
    scan.says(f"supervise: warning: a: not started: {found.reason}\n")
    assert (scan.services / "asked").read_text().split() == ["asked"] * 2
    served(scan, "good")
    (directory / "timeout-start-check").write_text("0\n")
    scan.control("a", "u")
    pid = scan.until("a", lambda found: found.state == "checking" and found.helper_pid).helper_pid
    assert scan.state("a", "checking").deadline == -1
    scan.control("a", "k")
    gone(pid)
    found = scan.until("a", lambda found: found.state == "checking" and found.helper_pid != pid)
    assert found.reason in ("looking", "a/start-check: killed by signal 9")


def test_its_deadline_does_not_outlive_it(scan: Scan) -> None:
    """Nor does it begin anew with a successor of svscan."""
    scan.add("a", start_check="#!/bin/sh\nexit 0\n", timeout_start_check="100\n")
    gate = Gate(scan.services / "gate")
    scan.add("b", start_check=f"#!/bin/sh\n{gate.wait}\n", timeout_start_check="5000000\n")
    scan.start()
    pid = scan.up("a")
    assert scan.state("a", "up").deadline == -1
    deadline = scan.state("b", "checking").deadline
    assert deadline > 0
    replace_svscan(scan, "a", "b")
    assert scan.state("b", "checking").deadline == deadline
    gate.open()
    assert scan.until("b", lambda found: found.state == "checking").deadline >= deadline
    assert scan.up("a") == pid


def test_it_is_asked_before_each_start(scan: Scan) -> None:
    scan.add("a", start_check="#!/bin/sh\necho asked >>../asked\n")
    scan.start()
    pid = scan.up("a")
    for _ in range(3):
        scan.control("a", "t")
        pid = scan.up("a", beside=pid)
    assert (scan.services / "asked").read_text().split() == ["asked"] * 4


def test_a_refusal_after_a_death(scan: Scan) -> None:
    """A restart with a configuration that is broken by now: down, and the reason says why."""
    path = scan.services / "well"
    path.touch()
    scan.add("a", start_check=BY_FILE.format(path=path), watch=f"{path}\n", **LONG)
    scan.start()
    scan.up("a")
    path.unlink()
    scan.control("a", "t")
    refused(scan)
    found = scan.record("a")
    assert found is not None
    assert (found.reason, found.pid, found.starts) == ("it is missing", 0, 1)
    path.touch()
    scan.up("a")


# Letters


def test_u_asks_again_at_once(scan: Scan) -> None:
    path = scan.services / "well"
    scan.add("a", start_check=BY_FILE.format(path=path), **LONG)
    scan.start()
    refused(scan)
    path.touch()
    scan.control("a", "u")
    assert scan.until("a", lambda found: found.pid).failures == 0


def test_o_that_is_refused_is_over(scan: Scan) -> None:
    scan.add("a", start_check="#!/bin/sh\necho no\nexit 1\n", down="", **LONG)
    scan.start()
    scan.control("a", "o")
    found = scan.until("a", lambda found: found.reason == "no" and found.state == "down")
    assert (found.want, found.starts) == ("once", 0)


def test_d_ends_a_check_that_hangs(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", start_check=f'#!/bin/sh\ntrap "" TERM\n{gate.wait}\n')
    scan.start()
    pid = scan.until("a", lambda found: found.helper_pid).helper_pid
    scan.control("a", "d")
    scan.state("a", "down")
    gone(pid)


def test_term_to_svscan_ends_a_check_that_hangs(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add("a", start_check=f'#!/bin/sh\ntrap "" TERM\n{gate.wait}\n')
    scan.start()
    pid = scan.until("a", lambda found: found.helper_pid).helper_pid
    assert scan.stop() == 0
    assert not living(pid)
    found = scan.record("a")
    assert found is not None
    assert found.starts == 0


def test_it_waits_while_finish_runs(scan: Scan) -> None:
    gate = Gate(scan.services / "gate")
    scan.add(
        "a",
        start_check="#!/bin/sh\necho check >>../order\n",
        finish=f"#!/bin/sh\necho finish >>../order\n{gate.wait}\n",
        timeout_finish="0\n",
    )
    scan.start()
    pid = scan.up("a")
    scan.control("a", "t")
    gate.open()
    scan.up("a", beside=pid)
    assert (scan.services / "order").read_text().split() == ["check", "finish", "check"]


# Watch


def watched(scan: Scan, path: Path, line: str = "") -> None:
    """A service that is refused until this path exists."""
    check = BY_FILE.format(path=path)
    scan.add("a", start_check=check, watch=f"\n{line or path}\n\n", **LONG)
    scan.start()
    refused(scan)


def test_a_file_that_appears(scan: Scan) -> None:
    path = scan.services / "well"
    watched(scan, path)
    path.touch()
    scan.up("a")


def test_a_file_that_is_renamed_to_there(scan: Scan) -> None:
    path = scan.services / "well"
    watched(scan, path)
    (scan.services / "new").write_text("content")
    (scan.services / "new").rename(path)
    scan.up("a")


def test_a_relative_path_is_meant_from_the_service_directory(scan: Scan) -> None:
    watched(scan, scan.services / "a/well", "well")
    (scan.services / "a/well").touch()
    scan.up("a")


def test_a_file_in_directories_that_do_not_exist_yet(scan: Scan) -> None:
    path = scan.services / "one/two/three/well"
    watched(scan, path)
    path.parent.mkdir(parents=True)
    path.touch()
    scan.up("a")


def test_a_tree_that_is_renamed_to_there(scan: Scan) -> None:
    path = scan.services / "one/two/well"
    watched(scan, path)
    new = scan.services / "new/two"
    new.mkdir(parents=True)
    (new / "well").touch()
    new.parent.rename(scan.services / "one")
    scan.up("a")


def test_a_directory_that_is_removed_and_made_again(scan: Scan) -> None:
    path = scan.services / "etc/well"
    path.parent.mkdir()
    watched(scan, path)
    path.parent.rmdir()
    path.parent.mkdir()
    path.touch()
    scan.up("a")


def test_what_happens_in_a_watched_directory(scan: Scan) -> None:
    path = scan.services / "etc/well"
    path.parent.mkdir()
    watched(scan, path, str(path.parent))
    path.touch()
    scan.up("a")


CONTENT = "#!/bin/sh\necho asked >>../asked\ngrep -q good ../etc/conf && exit 0\necho bad\nexit 1\n"


def with_content(scan: Scan) -> Path:
    """A service that is refused until a file has the right content."""
    path = scan.services / "etc/conf"
    path.parent.mkdir()
    path.write_text("wrong")
    scan.add("a", start_check=CONTENT, watch=f"{path}\n", **LONG)
    scan.start()
    refused(scan)
    return path


def test_a_file_that_is_written_to(scan: Scan) -> None:
    path = with_content(scan)
    with path.open("a") as file:
        file.write("good")
    scan.up("a")


def test_a_file_that_is_replaced_by_rename(scan: Scan) -> None:
    """As editors do: the next change is seen too."""
    path = with_content(scan)
    for text in ("still wrong", "good"):
        (path.parent / "new").write_text(text)
        (path.parent / "new").rename(path)
        if text != "good":
            scan.until("a", lambda found: found.state == "waiting" and found.failures > 2)
    scan.up("a")


def test_a_file_whose_mode_changes(scan: Scan) -> None:
    path = with_content(scan)
    with path.open("r+") as file:
        file.write("good")
    path.chmod(0o600)
    scan.up("a")


def test_a_file_beside_it_is_no_concern(scan: Scan) -> None:
    path = with_content(scan)
    asked = len((scan.services / "asked").read_text().split())
    for number in range(100):
        (path.parent / f"other-{number}").write_text("good")
    scan.control("a", "d")
    found = scan.state("a", "down")
    assert found.failures == 2
    assert len((scan.services / "asked").read_text().split()) == asked


def test_a_change_while_it_is_asked(scan: Scan) -> None:
    """It may have read what was there before, so it is soon asked again."""
    gate = Gate(scan.services / "gate")
    path = scan.services / "well"
    check = f"#!/bin/sh\nif test -e {path}; then exit 0; fi\n{gate.wait}\nexit 1\n"
    scan.add("a", start_check=check, watch=f"{path}\n", **LONG)
    scan.start()
    gate.open()
    scan.until("a", lambda found: found.failures == 1 and found.helper_pid)
    writer = eventually(gate._writer, "it is past its look")
    path.touch()
    scan.until("a", lambda found: found.failures == 0)
    os.write(writer, b"\n")
    os.close(writer)
    scan.up("a")


def test_nothing_is_watched_while_the_service_runs(scan: Scan) -> None:
    path = scan.services / "well"
    path.touch()
    scan.add("a", SLEEPER, start_check=BY_FILE.format(path=path), watch=f"{path}\n")
    scan.start()
    pid = scan.up("a")
    path.unlink()
    path.touch()
    scan.control("a", "p")
    assert scan.until("a", lambda found: found.paused).pid == pid
    assert (scan.services / "asked").read_text().split() == ["asked"]


def test_two_services_watch_the_same_file(scan: Scan) -> None:
    path = scan.services / "etc/well"
    path.parent.mkdir()
    for name in "ab":
        scan.add(name, start_check=BY_FILE.format(path=path), watch=f"{path}\n", **LONG)
    scan.start()
    for name in "ab":
        refused(scan, name)
    scan.control("a", "d")
    scan.state("a", "down")
    path.touch()
    scan.up("b")
    found = scan.record("a")
    assert found is not None
    assert (found.state, found.starts) == ("down", 0)


def test_a_dead_check_is_reaped(scan: Scan) -> None:
    scan.add("a", start_check="#!/bin/sh\necho $$ >../pid\nexit 1\n", **LONG)
    scan.start()
    refused(scan)
    pid = (scan.services / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()
