"""What the article shows, in its order, on the article's network with its configuration."""

import time
from itertools import pairwise

from acceptance.inside import kernel
from acceptance.inside.client import VIRTUAL_ADDRESS, ask_times
from acceptance.inside.steps import run
from acceptance.inside.waiting import until
from acceptance.inside.world import World

DELL, HITACHI = "172.16.0.2:80", "172.16.0.3:80"
# With its 10 retries, 5 s apart, keepalived 2 needs 59 s; the article's 1.2.1 did not retry.
SECONDS_TO_DETECT = 75


def starts(world: World) -> None:
    """Started at boot by svscan, and what it logs on local1."""
    world.director.await_serving()
    assert "keepalived: up (pid " in world.director.svstat(), world.director.svstat()
    for words in (("Keepalived", "Starting"), ("VRRP",), ("ealthcheck",)):
        world.syslog.await_line(*words, seconds=5)
    for address in ("172.16.0.2", "172.16.0.3"):
        world.syslog.await_line("Activating health", address, seconds=5)
    world.syslog.await_line("VI_1", "MASTER", seconds=5)


def fills_the_table(world: World) -> str:
    """The article's `ipvsadm -Ln`."""
    table = kernel.output_of("ipvsadm", "-Ln")
    lines = [" ".join(line.split()) for line in table.splitlines()]
    assert lines[3] == "TCP 192.168.0.151:80 rr", table
    rows = {f"-> {server} Masq 1 0 0" for server in (DELL, HITACHI)}
    assert set(lines[4:]) == rows, table
    return table


def holds_the_address(world: World) -> str:
    shown = kernel.output_of("ip", "address", "show", "dev", "bond0.2")
    assert "inet 192.168.0.150/24" in shown, shown
    assert f"inet {VIRTUAL_ADDRESS}/32" in shown, shown
    return shown


def one_look_tells(world: World) -> str:
    """`director status`: all is well, and what the kernel has is shown."""
    seen = world.director.status()
    (vrrp,) = seen["vrrp"]
    (server,) = seen["virtual_servers"]
    assert vrrp["state"] == "MASTER", seen
    assert [one["held"] for one in vrrp["addresses"]] == [True], seen
    assert server["in_table"], seen
    assert [one["weight"] for one in server["real_servers"]] == [1, 1], seen
    roles = {one["role"] for one in seen["processes"]}
    assert roles == {"parent", "VRRP", "health checkers"}, seen
    assert seen["verdict"] == "OK", seen["findings"]
    return str(seen["verdict"])


def one_look_tells_who_is_out(world: World) -> str:
    seen = world.director.status()
    (server,) = seen["virtual_servers"]
    weights = {one["address"]: one["weight"] for one in server["real_servers"]}
    assert weights == {"172.16.0.2": 0, "172.16.0.3": 1}, seen
    assert seen["verdict"] == "WARNING", seen["findings"]
    assert "172.16.0.2:80" in seen["findings"][0]["text"], seen["findings"]
    return str(seen["findings"][0]["text"])


def alternates(world: World) -> list[str]:
    answers = ask_times(8)
    assert set(answers) == {"Dell", "Hitachi"}, answers
    assert all(one != other for one, other in pairwise(answers)), answers
    return answers


def checks_every_interval(world: World) -> dict[str, list[float]]:
    """delay_loop is 10 s; the article's 1.2.1 added delay_before_retry, which is 5 s."""
    begin = time.monotonic()
    until(
        "three checks of each real server",
        lambda: all(len(checks.since(begin)) >= 3 for checks in world.checks.values()),
        50,
    )
    apart = {}
    for name, checks in world.checks.items():
        times = checks.since(begin)
        apart[name] = [round(later - earlier, 1) for earlier, later in pairwise(times)]
        assert all(9.5 < each < 10.9 or 14.5 < each < 15.9 for each in apart[name]), apart
    return apart


def takes_a_dead_server_out(world: World) -> dict[str, float]:
    logged = len(world.syslog.lines())
    begin = time.monotonic()
    world.dell.stop()
    until(
        "Dell has weight 0",
        lambda: kernel.weights() == {DELL: 0, HITACHI: 1},
        SECONDS_TO_DETECT,
    )
    detected = time.monotonic() - begin
    world.syslog.await_line("Disabling service", "172.16.0.2", seconds=5, after=logged)
    checks = world.checks["Dell"].since(begin)
    return {"seconds to weight 0": round(detected, 1), "checks meanwhile": len(checks)}


def mails_down(world: World) -> str:
    return _await_mail(world, "DOWN")


def sends_all_to_hitachi(world: World) -> list[str]:
    answers = ask_times(8)
    assert answers == ["Hitachi"] * 8, answers
    return answers


def checks_the_dead_server_meanwhile(world: World) -> list[float]:
    """It is asked on; the others too."""
    begin = time.monotonic()
    until("two checks of Dell", lambda: len(world.checks["Dell"].since(begin)) >= 2, 30)
    until("a check of Hitachi", lambda: world.checks["Hitachi"].since(begin), 30)
    return [round(moment - begin, 1) for moment in world.checks["Dell"].since(begin)]


def takes_it_back(world: World) -> dict[str, float]:
    logged = len(world.syslog.lines())
    begin = time.monotonic()
    world.dell.start()
    until("Dell has weight 1", lambda: kernel.weights() == {DELL: 1, HITACHI: 1}, 40)
    back = time.monotonic() - begin
    world.syslog.await_line("Enabling service", "172.16.0.2", seconds=5, after=logged)
    return {"seconds to weight 1": round(back, 1)}


def mails_up(world: World) -> str:
    return _await_mail(world, "UP")


def alternates_again(world: World) -> list[str]:
    return alternates(world)


def _await_mail(world: World, state: str) -> str:
    def look() -> str:
        fitting = (each for each in world.mail.subjects() if each.endswith(f"- {state}"))
        return next((each for each in fitting if DELL.removesuffix(":80") in each), "")

    subject = until(f"a mail of Dell {state}: {world.mail.subjects()}", look, 10)
    assert subject.startswith("[LVS_DEVEL] Realserver"), subject
    return subject


STEPS = (
    starts,
    fills_the_table,
    holds_the_address,
    one_look_tells,
    alternates,
    checks_every_interval,
    takes_a_dead_server_out,
    one_look_tells_who_is_out,
    mails_down,
    sends_all_to_hitachi,
    checks_the_dead_server_meanwhile,
    takes_it_back,
    mails_up,
    alternates_again,
)

if __name__ == "__main__":
    run("article", STEPS, World())
