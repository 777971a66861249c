"""`director` and the real keepalived in a box, with nobody who observes."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.director.real import Box, findings, states, vrrp
from tests.director.service import INSTANCE, VIRTUAL_SERVER, needs_keepalived, needs_root, needs_two
from tests.support.scan import eventually

pytestmark = [needs_root, needs_keepalived]


@pytest.fixture
def box(short_path: Path) -> Iterator[Callable[..., Box]]:
    boxes: list[Box] = []

    def start(
        configuration: str = INSTANCE, first: str = "true", keepalived: str = "keepalived"
    ) -> Box:
        boxes.append(Box(short_path, configuration))
        boxes[-1].set("KEEPALIVED", keepalived)
        return boxes[-1].start(first)

    yield start
    for each in boxes:
        each.close()


def parent(found: dict[str, Any]) -> int:
    return int(found["service"]["pid"])


# --- what status sees


def test_from_another_network_it_is_what_it_is_in_its_own(box: Callable[..., Box]) -> None:
    seen = box()
    seen.master()
    found = seen.status(namespaces=("-m", "-p"))
    assert states(found) == ["MASTER"], findings(found)
    assert found["vrrp"][0]["addresses"] == [
        {"address": "192.0.2.151", "interface": "bond0.2", "held": True, "up": True}
    ]
    seen.shell("ip link set outside down")
    seen.until(lambda found: states(found) == ["FAULT"])
    assert states(seen.status(namespaces=("-m", "-p"))) == ["FAULT"]


@pytest.mark.parametrize("words", ["label bond0.2:1", "label web", "peer 192.0.2.9"])
def test_an_address_with_more_to_it(box: Callable[..., Box], words: str) -> None:
    seen = box(INSTANCE.replace("151 dev bond0.2", f"151 dev bond0.2 {words}"))
    ours = "ip -o address show dev bond0.2"
    eventually(lambda: "192.0.2.151" in seen.shell(ours), seen.messages.read_text)
    assert words.split()[1] in seen.shell(ours)
    found = seen.status()
    assert states(found) == ["MASTER"], findings(found)
    assert seen.director("wait", "--master", "--timeout", "5").returncode == 0


def test_where_it_is_down_its_network_is_that_of_its_supervisor(box: Callable[..., Box]) -> None:
    seen = box()
    seen.master()
    assert seen.director("stop").returncode == 0
    seen.shell("ip address add 192.0.2.151/32 dev bond0.2")
    assert "no VRRP process is there" in findings(seen.status(namespaces=("-m", "-p")))


def test_a_child_that_was_started_again_is_critical_while_nobody_counts(
    box: Callable[..., Box],
) -> None:
    seen = box()
    before = vrrp(seen.master())
    # Old enough for a child that is younger to have been started again.
    seen.until(lambda found: min(one["age"] for one in found["processes"]) > 13)
    assert seen.status()["level"] == 0
    seen.signal("KILL", before)
    found = seen.until(lambda found: vrrp(found) not in (0, before))
    assert found["level"] == 2
    assert "start its VRRP process again" in findings(found)
    assert "nobody observes" in findings(found)


def test_keepalived_is_asked(box: Callable[..., Box]) -> None:
    seen = box(first="mount -t tmpfs box /tmp")
    if not seen.run("keepalived", "--signum=JSON").stdout.strip().isdecimal():
        pytest.skip("this keepalived writes no JSON")
    found = seen.master()
    assert found["vrrp"][0]["own"] is None
    asked = seen.status("--ask")
    assert asked["vrrp"][0]["own"]["state"] == "MASTER"
    assert asked["service"]["pid"] == parent(found)
    seen.shell("mount -o remount,size=4k /tmp; head -c 4096 /dev/zero >/tmp/full || true")
    seen.shell("rm -f /tmp/keepalived.json; head -c 9000 /dev/zero >>/tmp/full || true")
    done = seen.director("status", "--ask", "--brief")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert "unable to ask keepalived: it wrote no whole /tmp/keepalived.json within 3 s" in line


# --- what a reload would not bring


def test_another_configuration_is_no_matter_of_a_reload(
    box: Callable[..., Box], short_path: Path
) -> None:
    seen = box()
    found = seen.master()
    other = short_path / "other.conf"
    other.write_text(INSTANCE.replace("VI_1", "VI_2"))
    seen.set("CONFIGURATION", str(other))
    why = f"it runs with {seen.configuration}, and env/CONFIGURATION now says {other}"
    after = seen.status()
    assert (after["level"], after["differences"]) == (1, [why])
    assert [one["name"] for one in after["vrrp"]] == ["VI_1"], "what runs is judged"
    done = seen.director("reload")
    assert done.returncode == 1
    assert done.stderr == (
        f"director: {seen.directory}: {why}: it needs director restart, not reload\n"
    )
    assert parent(seen.status()) == parent(found)
    assert seen.director("restart").returncode == 0
    after = seen.until(lambda found: states(found) == ["MASTER"])
    assert ([one["name"] for one in after["vrrp"]], after["differences"]) == (["VI_2"], [])


def test_other_options_are_no_matter_of_a_reload(box: Callable[..., Box]) -> None:
    seen = box()
    seen.master()
    seen.set("OPTIONS", "-d")
    why = "it was started with OPTIONS '', and env/OPTIONS now says '-d'"
    assert seen.status()["differences"] == [why]
    assert why in seen.director("reload").stderr


# --- what is refused, and what is forced


@needs_two
def test_a_broken_one_is_forced(box: Callable[..., Box]) -> None:
    seen = box()
    before = parent(seen.master())
    seen.configuration.write_text(INSTANCE + "nonsense\n")
    for command in ("restart", "reload"):
        done = seen.director(command)
        assert (done.returncode, done.stdout) == (1, "")
        refused, nothing = done.stderr.splitlines()
        assert "refused: keepalived -t: " in refused
        assert "nonsense" in refused
        assert nothing == "director: nothing was done (--force does it all the same)"
    assert parent(seen.status()) == before
    done = seen.director("restart", "--force", "--timeout", "1.5")
    assert done.returncode == 99
    assert "nonsense" in done.stderr.splitlines()[-1]
    seen.configuration.write_text(INSTANCE)
    assert seen.director("wait", "--master").returncode == 0


def test_reload_brings_what_is_new_and_the_pid_stays(box: Callable[..., Box]) -> None:
    seen = box()
    before = parent(seen.master())
    seen.configuration.write_text(INSTANCE.replace(".151", ".152"))
    assert seen.director("reload").returncode == 0
    after = seen.until(lambda found: states(found) == ["MASTER"])
    assert (parent(after), after["vrrp"][0]["addresses"][0]["address"]) == (before, "192.0.2.152")


# --- waiting


def test_waiting_for_master(box: Callable[..., Box]) -> None:
    seen = box()
    assert seen.director("wait", "--master").returncode == 0
    assert states(seen.status()) == ["MASTER"]
    seen.shell("ip link set outside down")
    seen.until(lambda found: states(found) == ["FAULT"])
    done = seen.director("wait", "--master", "--timeout", "0.3")
    assert (done.returncode, done.stderr) == (99, "director: not in time: VI_1 FAULT\n")
    seen.shell(
        f"director wait --master {seen.directory} & ip link set outside up; "
        "wait $!"  # with the exit code of director
    )
    assert states(seen.status()) == ["MASTER"]


# --- bad input


def test_an_interface_that_comes_late(box: Callable[..., Box]) -> None:
    seen = box(INSTANCE.replace("bond0.2", "late0"))
    found = seen.until(lambda found: found["service"]["state"] == "waiting")
    assert found["level"] == 2
    assert "late0" in str(found["service"]["reason"])
    seen.shell("ip link add late0 type veth peer name far && ip link set far up")
    seen.shell("ip link set late0 up && ip address add 192.0.2.9/24 dev late0")
    seen.master()


def test_an_include_that_is_missing_and_a_file_that_is_gone(box: Callable[..., Box]) -> None:
    seen = box()
    before = parent(seen.master())
    seen.configuration.write_text(f"{INSTANCE}include /nowhere/more.conf\n")
    found = seen.status()
    assert (found["level"], found["service"]["pid"]) == (1, before)
    assert "/nowhere/more.conf: unable to read: No such file or directory" in findings(found)
    assert "/nowhere/more.conf" in seen.director("check").stderr
    seen.configuration.unlink()
    for command in ("check", "reload"):
        done = seen.director(command)
        assert done.returncode == 1
        assert f"{seen.configuration}: unable to read: write it" in done.stderr
    assert parent(seen.status()) == before


def test_who_is_not_root_is_told_so(box: Callable[..., Box]) -> None:
    seen = box()
    seen.master()
    nobody = ("setpriv", "--reuid", "65534", "--clear-groups")
    shared = "chmod 755 . && chmod 700 director/supervise"
    subprocess.run(["sh", "-c", shared], cwd=seen.directory.parent, check=True)
    done = seen.run(*nobody, "director", "status", "--json", str(seen.directory))
    if "Permission denied" in done.stderr:
        pytest.skip("the programs are where only root can go")
    assert done.returncode == 3, done.stderr
    (one,) = json.loads(done.stdout)["findings"]
    assert one["text"].startswith("not allowed to look into ")
    done = seen.run(*nobody, "director", "reload", str(seen.directory))
    assert (done.returncode, done.stdout) == (111, "")
    assert done.stderr == f"director: {seen.directory}: {one['text']}\n"


def test_a_full_disk_below_its_supervisor_is_no_traceback(box: Callable[..., Box]) -> None:
    seen = box()
    found = seen.master()
    seen.shell(f"mount -o bind,ro {seen.directory} {seen.directory}")
    seen.shell(f"mount -o remount,bind,ro {seen.directory}")
    done = seen.director("reload")
    assert "Traceback" not in done.stderr
    assert parent(seen.status()) == parent(found)
    eventually(lambda: states(seen.status()) == ["MASTER"], "it goes on")


@pytest.mark.parametrize(
    ("configuration", "keepalived", "line"),
    [
        (INSTANCE, "/nowhere", "/nowhere: not found: install keepalived, or name it in env/"),
        ("", "keepalived", "keepalived.conf: empty"),
        (
            "global_defs {\n}\n",
            "keepalived",
            "nothing to run: neither a vrrp_instance",
        ),
        (INSTANCE + VIRTUAL_SERVER, "keepalived", "this kernel has no IPVS: use a kernel with ip_"),
    ],
    ids=["no keepalived", "empty", "nothing to run", "no IPVS"],
)
def test_what_cannot_be_started_says_why(
    box: Callable[..., Box], configuration: str, keepalived: str, line: str
) -> None:
    if configuration.endswith(VIRTUAL_SERVER) and Path("/proc/net/ip_vs").exists():
        pytest.skip("this kernel has IPVS")
    seen = box(configuration, keepalived=keepalived)
    found = seen.until(lambda found: found["service"]["state"] == "waiting")
    assert found["level"] == 2
    assert line in findings(found)
    for command in ("check", "restart"):
        done = seen.director(command)
        assert (done.returncode, done.stdout) == (1, "")
        assert line in done.stderr.splitlines()[0]
    brief = seen.director("status", "--brief")
    down = "CRITICAL - director: down, though wanted up ("
    assert brief.stdout.startswith((f"{down}waiting): ", f"{down}checking): "))
    assert brief.stdout.count("\n") == 1


@needs_two
def test_a_pid_file_that_names_somebody_else(box: Callable[..., Box]) -> None:
    files = "/run/keepalived.pid /run/vrrp.pid"
    seen = box(first=f"{{ sleep 1000 & echo $! | tee {files} >/dev/null; }}")
    seen.master()
    seen.shell("pid=$(pgrep -x sleep); echo $pid >/run/vrrp.pid; kill -0 $pid")
    found = seen.until(lambda found: len(found["processes"]) == 2)
    assert {one["role"] for one in found["processes"]} == {"parent", "child"}
    assert (states(found), found["level"]) == (["MASTER"], 0), "by its being a child alone"
