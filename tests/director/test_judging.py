"""From what was seen to what is said: no process, no kernel, no clock."""

import json
from pathlib import Path
from typing import Any

import pytest

from supervise.director import facts, ipvs, journal, notify_fifo, service_directory, show, verdict
from supervise.director.configuration import Configuration, VirtualServer, parse
from supervise.director.facts import Facts, Holding, Instance, Own, Process

ARTICLE = Path(__file__).parents[2] / "keepalived" / "box" / "keepalived.conf"
TABLE = """IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  C0A80097:0050 rr
  -> AC100003:0050      Masq    1      0          0
  -> AC100002:0050      Masq    0      0          0
FWM  00000007 wlc
  -> [fd00:0000:0000:0000:0000:0000:0000:0002]:0050      Masq    3      0          0
"""


def configuration(text: str, **included: str) -> Configuration:
    files = {"/conf": text, **{f"/{name}": each for name, each in included.items()}}
    return parse("/conf", lambda path: [(path, files[path])])


# --- the configuration


def test_the_articles() -> None:
    found = parse(str(ARTICLE), service_directory.read)
    (vrrp,) = found.vrrp
    assert (vrrp.name, vrrp.state, vrrp.priority) == ("VI_1", "MASTER", 100)
    assert vrrp.addresses == (("192.168.0.151", "bond0.2"),)
    (server,) = found.virtual_servers
    assert server.name == "TCP 192.168.0.151:80"
    assert server.real_servers == (("172.16.0.2", 80), ("172.16.0.3", 80))


def test_comments_quotes_includes_and_braces_on_a_line_of_their_own() -> None:
    found = configuration(
        "vrrp_instance 'a b' ! { not this\n{\n interface eth0 # nor } this\n include more\n}\n",
        more="virtual_ipaddress {\n 192.0.2.1/24\n FD00:0::1 dev eth1\n}\n",
    )
    (vrrp,) = found.vrrp
    assert vrrp.name == "a b"
    assert vrrp.addresses == (("192.0.2.1", "eth0"), ("fd00::1", "eth1")), "as the kernel has them"
    assert found.files == ("/conf", "/more")


@pytest.mark.parametrize(
    ("definitions", "fifo"),
    [
        ("vrrp_notify_fifo /run/v root root\nnotify_fifo /run/n", "/run/v"),
        ("notify_fifo /run/n", "/run/n"),
        ("notify_fifo /run/n\nnotify_fifo_script /bin/reader", ""),
        ("notify_fifo /run/n\nvrrp_notify_fifo /run/v\nvrrp_notify_fifo_script x", "/run/n"),
        ("lvs_notify_fifo /run/l\nvrrp_notify_fifo", ""),
    ],
)
def test_the_fifo_that_no_script_reads(definitions: str, fifo: str) -> None:
    assert configuration(f"global_defs {{\n{definitions}\n}}\n").fifo == fifo


def test_what_keepalived_says_amid_noise() -> None:
    lines = ['INSTANCE "a b" BACKUP 1', "", "\0", 'INSTANCE "a b" MASTER 100', 'GROUP "g" FAULT 0']
    lines += ['INSTANCE "x" MASTER', 'INSTANCE "x" master 1', 'INSTANCE "x" FAULT 1 2', "\udcff"]
    assert notify_fifo.states(lines) == {"a b": "MASTER"}


def test_a_group_is_one_virtual_server_for_each_entry() -> None:
    found = configuration(
        "virtual_server_group web {\n 192.0.2.1 80\n fwmark 7\n 192.0.2.2-9 80\n}\n"
        "virtual_server group web {\n real_server 192.0.2.50 80 {\n }\n}\n"
    )
    assert [one.name for one in found.virtual_servers] == ["TCP 192.0.2.1:80", "fwmark 7"]


@pytest.mark.parametrize("text", ["vrrp_instance X {\n", "}\n", "include conf\n"])
def test_a_broken_one_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(ValueError, match="/conf: "):
        configuration(text)


@pytest.mark.parametrize(
    "text", ["{\n}\n", "vrrp_instance {\n {\n }\n}\n", "virtual_server {\n}\n"]
)
def test_a_strange_one_is_no_traceback(text: str) -> None:
    configuration(text)


# --- the table


def test_the_table() -> None:
    web, mark = ipvs.parse(TABLE + "-> noise\nTCP noise\n")
    assert (web.address, web.port, web.scheduler) == ("192.168.0.151", 80, "rr")
    assert [(one.address, one.weight) for one in web.real_servers] == [
        ("172.16.0.3", 1),
        ("172.16.0.2", 0),
    ]
    assert (mark.mark, mark.real_servers[0].address) == (7, "fd00::2")


# --- the verdict

NOW = 1000.0

SERVICE: dict[str, Any] = {
    "name": "keepalived",
    "supervised": True,
    "state": "up",
    "reason": None,
    "pid": 1,
    "seconds": 100.0,
    "want": "up",
    "paused": False,
    "starts": 1,
    "deaths": [],
}
PARENT = Process(1, facts.PARENT, 100.0, 1, 0.0)
VRRP = Process(2, facts.VRRP, 100.0, 1, 0.0)
CHECKERS = Process(3, facts.CHECKERS, 100.0, 1, 0.0)
HELD = Instance("VI_1", (Holding("192.0.2.1", "eth0", True, True),))
FREE = Instance("VI_1", (Holding("192.0.2.1", "eth0", False, True),))
CONFIGURED = parse(str(ARTICLE), service_directory.read)
WELL = Facts(
    "/service/keepalived",
    SERVICE,
    NOW,
    (PARENT, VRRP, CHECKERS),
    CONFIGURED,
    instances=(HELD,),
    loaded=NOW - 100,
    table=tuple(ipvs.parse(TABLE.replace("Masq    0", "Masq    1"))),
)


def said(seen: Facts) -> tuple[int, str]:
    found = verdict.judge(seen)
    return found.level, show.headline(seen, found, lambda text, level: text)


def test_all_is_well() -> None:
    line = "keepalived OK: up 100 s, VI_1 MASTER, holds 192.0.2.1"
    assert said(WELL) == (verdict.FINE, line)


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        ({"processes": (PARENT,)}, verdict.CRITICAL, "up but doing nothing"),
        ({"processes": (PARENT, CHECKERS)}, verdict.CRITICAL, "no VRRP process"),
        ({"processes": (PARENT, VRRP)}, verdict.CRITICAL, "no health checker process"),
        ({"table": ()}, verdict.CRITICAL, "the IPVS table is empty"),
        ({"table": None}, verdict.CRITICAL, "the kernel has no IPVS"),
        ({"table": tuple(ipvs.parse(TABLE))}, verdict.WARNING, "172.16.0.2:80 is out"),
        ({"changed": NOW - 50}, verdict.WARNING, "younger than the last start"),
        ({"trouble": "/conf: unable to read"}, verdict.WARNING, "/conf: unable to read"),
        ({"forbidden": "not allowed"}, verdict.UNKNOWN, "not allowed"),
        (
            {"processes": (PARENT, VRRP._replace(age=5.0), CHECKERS)},
            verdict.CRITICAL,
            "start its VRRP process again, 5 s ago; whether it does so in a loop, nobody observes",
        ),
        (
            {
                "processes": (PARENT, VRRP._replace(age=5.0), CHECKERS),
                "child_deaths": (("VRRP", NOW - 5),),
            },
            verdict.WARNING,
            "start its VRRP process again, 5 s ago",
        ),
        (
            {"child_deaths": tuple(("VRRP", NOW - ago) for ago in (90, 89, 87))},
            verdict.CRITICAL,
            "respawn loop: its VRRP process died 3 times in 90 s, last 87 s ago",
        ),
        ({"differences": ("other",)}, verdict.WARNING, "other: it needs `director restart`"),
        (
            {"instances": (HELD._replace(own=Own("BACKUP", NOW - 10)),)},
            verdict.WARNING,
            "VI_1 is MASTER as the kernel shows it, but BACKUP as keepalived says itself",
        ),
        (
            {"instances": (FREE._replace(own=Own("MASTER", NOW - 10)),)},
            verdict.WARNING,
            "VI_1 is BACKUP as the kernel shows it, but MASTER as keepalived says itself",
        ),
        (
            {"instances": (FREE._replace(own=Own("FAULT", NOW - 10)),)},
            verdict.CRITICAL,
            "VI_1 is in FAULT: keepalived says so itself",
        ),
        (
            {"instances": (Instance("VI_1", (Holding("192.0.2.1", "eth0", False, False),)),)},
            verdict.CRITICAL,
            "VI_1 is in FAULT: eth0 is down",
        ),
        (
            {"service": SERVICE | {"pid": None, "want": "up", "state": "waiting"}, "processes": ()},
            verdict.CRITICAL,
            "down, though wanted up",
        ),
    ],
)
def test_what_is_wrong_is_said_first(change: dict[str, Any], level: int, words: str) -> None:
    found, line = said(WELL._replace(**change))
    assert found == level
    assert words in line


@pytest.mark.parametrize(
    "change",
    [
        {"processes": (PARENT, VRRP, CHECKERS._replace(age=5.0)), "loaded": NOW - 6},
        {"child_deaths": (("VRRP", NOW - 700),)},
        {"instances": (HELD._replace(own=Own("BACKUP", NOW - 1)),)},
        {"instances": (Instance("VI_1", (), own=Own("MASTER", NOW - 10)),)},
    ],
    ids=["new by a reload", "long ago", "just changing", "without an address"],
)
def test_what_is_not_wrong(change: dict[str, Any]) -> None:
    assert verdict.judge(WELL._replace(**change)).level == verdict.FINE


def test_an_address_that_nobody_serves() -> None:
    seen = WELL._replace(processes=(), service=SERVICE | {"pid": None, "want": "down"})
    assert "192.0.2.1 is held, and no VRRP process is there to give it up" in said(seen)[1]


def test_who_may_not_look_is_told_nothing_that_is_not_known() -> None:
    seen = WELL._replace(forbidden="not allowed", service=SERVICE | {"supervised": False})
    assert said(seen) == (verdict.UNKNOWN, "keepalived UNKNOWN: not allowed")
    assert list(show.details(seen, lambda text, level: text)) == []


def test_what_holds_nothing_and_does_not_run_is_no_backup() -> None:
    missing = (Holding("192.0.2.1", "eth0", False, True),)
    assert Instance("VI_1", missing).state == "BACKUP"
    assert Instance("VI_1", missing, served=False).state == "DOWN"
    assert HELD._replace(served=False).state == "MASTER", "what holds the address is master"


def test_a_real_server_by_another_spelling_of_its_address() -> None:
    server = VirtualServer("fd00::1", 80, real_servers=(("fd00::2", 80),))
    row = ipvs.Service("TCP", "fd00::1", 80, 0, "rr", (ipvs.RealServer("fd00::2", 80, 1),))
    seen = WELL._replace(configuration=Configuration((), (server,)), table=(row,), instances=())
    assert verdict.judge(seen).level == verdict.FINE


# --- the journal


@pytest.fixture
def directory(tmp_path: Path) -> str:
    (tmp_path / "supervise").mkdir()
    return str(tmp_path)


def test_noise_in_the_journal_is_passed_over(directory: str) -> None:
    noise = ["", "{", "[]", "null", '{"time": "x"}', '{"time": 1}', '{"time": 1, "death": {}}']
    noise += ['{"time": 1, "child": "VRRP"}', '{"time": 1, "instance": "x", "own": 2}']
    noise += ['{"time": 1e999, "instance": "VI_1", "state": "MASTER"}', '{"time": NaN, "state": 1}']
    entry = {"time": 1.0, "instance": "VI_1", "state": "MASTER"}
    lines = [*noise, json.dumps(entry), "\udcff"]
    Path(journal.path_of(directory)).write_text("\n".join(lines), errors="surrogateescape")
    assert journal.read(directory) == [entry]


def test_the_journal_is_bounded(directory: str) -> None:
    for number in range(3 * journal.KEPT):
        journal.add(directory, {"time": float(number), "instance": "VI_1", "state": "MASTER"})
    entries = journal.read(directory)
    assert journal.KEPT <= len(entries) <= 2 * journal.KEPT
    assert entries[-1]["time"] == 3 * journal.KEPT - 1


def test_what_it_was_until_it_went_down() -> None:
    entries = [
        {"time": 1.0, "instance": "VI_1", "state": "MASTER"},
        {"time": 2.0, "instance": "VI_1", "state": "DOWN"},
        {"time": 5.0, "instance": "VI_1", "state": "BACKUP"},
    ]
    assert journal.state_at(entries, 3.0) == "VI_1 MASTER"
    assert journal.state_at(entries, 0.5) == ""


def test_an_address_that_was_given_up_at_the_end_is_no_backup() -> None:
    entries = [
        {"time": 1.0, "instance": "VI_1", "state": "MASTER"},
        {"time": 20.0, "instance": "VI_1", "state": "BACKUP"},
    ]
    assert journal.state_at(entries, 21.1) == "VI_1 MASTER"
    assert journal.state_at(entries, 40.0) == "VI_1 BACKUP"


def test_a_child_that_dies_all_the_time_does_not_drive_out_the_rest(directory: str) -> None:
    for kind in ("state", "own"):
        journal.add(directory, {"time": 1.0, "instance": "VI_1", kind: "MASTER"})
    for number in range(3 * journal.KEPT):
        journal.add(directory, {"time": 2.0 + number, "child": "VRRP", "parent": 7})
    entries = journal.read(directory)
    assert len(entries) <= 2 * journal.KEPT
    assert journal.states(entries) == {"VI_1": ("MASTER", 1.0)}
    assert journal.states(entries, "own") == {"VI_1": ("MASTER", 1.0)}
    last = 1.0 + 3 * journal.KEPT
    assert journal.child_deaths(entries, 7, last - 1) == [("VRRP", last - 1), ("VRRP", last)]
    assert journal.child_deaths(entries, 8, 0.0) == []
