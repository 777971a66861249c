"""What `director observe` adds to a look: the real keepalived in a box."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.director.real import Box, findings, states, vrrp
from tests.director.service import INSTANCE, needs_keepalived, needs_root, needs_two
from tests.support.scan import eventually

pytestmark = [needs_root, needs_keepalived]

FIFO = "global_defs {\n    vrrp_notify_fifo /run/vrrp.fifo\n}\n" + INSTANCE
NOISE = r"noise\n\0\377\nINSTANCE \"VI_1\"\nINSTANCE \"VI_1\" BACKUP 1x\nGROUP \"VI_1\" FAULT 1\n"


@pytest.fixture
def box(short_path: Path) -> Iterator[Callable[[str, str], Box]]:
    boxes: list[Box] = []

    def start(configuration: str, options: str = "") -> Box:
        boxes.append(Box(short_path, configuration))
        boxes[-1].observed(options)
        return boxes[-1].start()

    yield start
    for each in boxes:
        each.close()


def own(found: dict[str, Any]) -> str:
    """What keepalived says of its first instance."""
    said = found["vrrp"][0]["own"]
    return str(said["state"]) if said else ""


def all_own(found: dict[str, Any]) -> bool:
    return all(one["own"] is not None for one in found["vrrp"])


@needs_two
def test_what_keepalived_says_is_heard_through_noise_and_a_reload(box: Callable[..., Box]) -> None:
    seen = box(FIFO)
    seen.until(lambda found: own(found) == "MASTER" and found["level"] == 0)
    seen.shell(f"printf '{NOISE}' >/run/vrrp.fifo; head -c 20000 /dev/zero >/run/vrrp.fifo")
    assert own(seen.status()) == "MASTER"
    parent = seen.status()["service"]["pid"]
    fifo = seen.shell("stat -c %i /run/vrrp.fifo")
    seen.configuration.write_text(FIFO + INSTANCE.replace("_1", "_2").replace("id 1", "id 2"))
    seen.signal("HUP", parent)
    eventually(lambda: seen.shell("stat -c %i /run/vrrp.fifo || true") not in ("", fifo), "reload")
    found = seen.until(
        lambda found: [one["own"] is not None for one in found["vrrp"]] == [True] * 2
    )
    assert found["service"]["pid"] == parent


@needs_two
def test_a_disagreement_is_a_warning(box: Callable[..., Box]) -> None:
    seen = box(FIFO)
    seen.until(lambda found: own(found) == "MASTER")
    seen.shell("printf 'INSTANCE \"VI_1\" BACKUP 100\\n' >/run/vrrp.fifo")
    found = seen.until(lambda found: "BACKUP as keepalived says itself" in findings(found))
    assert (found["level"], states(found)) == (1, ["MASTER"])


@needs_two
def test_who_reads_the_fifo_already_is_not_robbed(short_path: Path) -> None:
    seen = Box(short_path, FIFO)
    seen.observed()
    try:
        seen.start("mkfifo -m 600 /run/vrrp.fifo && { sleep 1000 <>/run/vrrp.fifo & }")
        seen.master()
        eventually(lambda: "/run/vrrp.fifo: left alone: pid " in seen.messages.read_text(), "said")
        heard = seen.shell("read -r line </run/vrrp.fifo; echo $line")
        assert heard == 'INSTANCE "VI_1" MASTER 255\n'
        assert own(seen.status()) == ""
    finally:
        seen.close()


def test_a_respawn_loop_is_seen_while_the_child_lives(box: Callable[..., Box]) -> None:
    seen = box(INSTANCE)
    found = seen.master()
    for times in range(1, 4):
        seen.signal("KILL", vrrp(found))
        before = vrrp(found)

        def counted(found: dict[str, Any], before: int = before, times: int = times) -> bool:
            return vrrp(found) not in (0, before) and len(found["child_deaths"]) == times

        found = seen.until(counted)
        assert {one["role"] for one in found["child_deaths"]} == {"VRRP"}
        assert found["level"] == (2 if times == 3 else 1), findings(found)
    assert "respawn loop: its VRRP process died 3 times in " in findings(found)
    done = seen.director("restart")
    assert done.returncode == 0, done.stderr
    found = seen.until(lambda found: states(found) == ["MASTER"])
    assert (found["child_deaths"], findings(found)) == ([], "")


def past(seen: Box) -> list[dict[str, Any]]:
    return [json.loads(line) for line in seen.director("history", "--json").stdout.splitlines()]


def test_a_foreign_signal_ends_a_master(box: Callable[..., Box], short_path: Path) -> None:
    log = short_path / "log"
    seen = box(INSTANCE, f"--log {log}")
    found = seen.master()
    noted = seen.directory / "supervise/director"
    eventually(lambda: noted.exists() and '"MASTER"' in noted.read_text(), "it is noted")
    lines = [f"Keepalived[1]: line {number}" for number in range(9)]
    log.write_text("\n".join([*lines, "of somebody else\n"]))
    seen.signal("TERM", found["service"]["pid"])
    (death,) = eventually(lambda: [one for one in past(seen) if one["log"]], "the death is noted")
    assert (death["exit_code"], death["asked"]) == (0, False)
    assert death["vrrp"] == "VI_1 MASTER"
    assert death["log"] == lines[-5:]
    text = seen.director("history").stdout
    assert "it exited 0, up " in text
    assert "VRRP then: VI_1 MASTER\n    Keepalived[1]: line 4\n" in text
