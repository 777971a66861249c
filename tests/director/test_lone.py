"""LONE_DIRECTOR: what is kept through a restart, and that it is let go. Without IPVS."""

from pathlib import Path

import pytest

from tests.director.service import (
    INSTANCE,
    KEEPALIVED,
    Service,
    needs_keepalived,
    needs_root,
    needs_two,
)

pytestmark = [needs_root, needs_keepalived]

SHOW = "ip -oneline -4 address show | grep -F 192.0.2.151"
UNTIL_MASTER = f"until {SHOW} | grep -q bond0.2; do sleep 0.05; done"
START = "./start-check || exit; SUPERVISE_NONCE=1 ./run & parent=$!"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    found = Service(tmp_path)
    found.set("LONE_DIRECTOR", "yes")
    found.configuration.write_text(INSTANCE.replace("255", "100"))
    (found.directory / "supervise").mkdir()
    found.program("ipvsadm", "#!/bin/sh\n")
    for name in ("lone", "lone.sh"):
        (found.directory / name).write_bytes((KEEPALIVED / name).read_bytes())
        (found.directory / name).chmod(0o755)
    return found


@needs_two
def test_the_address_is_always_there(service: Service) -> None:
    """From the death of the one to the mastership of the other; on lo in between, and only then."""
    done = service.boxed(
        f"{START}; {UNTIL_MASTER}; kill $parent; wait $parent; {SHOW}; echo next; {START}; "
        f"until {SHOW} | grep -q lo:lone; do :; done; {SHOW}; echo master; "
        f"until {SHOW} | grep -q bond0.2; do {SHOW} >/dev/null || echo gone; sleep 0.02; done; "
        f"while {SHOW} | grep -q lo:lone; do sleep 0.05; done; {SHOW}; kill $parent; wait"
    )
    left, _, rest = done.stdout.partition("next\n")
    held, _, back = rest.partition("master\n")
    for shown, where in (left, "bond0.2"), (held, "scope host lo:lone"), (back, "bond0.2"):
        assert shown.count("\n") == 1, (done.stdout, done.stderr)
        assert where in shown
    assert "keepalived/lone: keepalived is master" in done.stderr


def test_at_the_first_start_nothing_is_held(service: Service) -> None:
    done = service.boxed(f"{START}; {UNTIL_MASTER}; {SHOW}; kill $parent; wait $parent")
    assert done.stdout.count("\n") == 1
    assert "lo:lone" not in done.stderr


@needs_two
@pytest.mark.parametrize(("status", "lines"), [("u", 1), ("d", 0)])
def test_what_is_to_stay_down_lets_go(service: Service, status: str, lines: int) -> None:
    done = service.boxed(
        f"printf {status} >supervise/status; {START}; {UNTIL_MASTER}; kill $parent; wait $parent; "
        f"./finish 0 0 keepalived 1; {SHOW}"
    )
    assert done.stdout.count("\n") == lines, (done.stdout, done.stderr)


@needs_two
def test_another_director_is_not_fought(service: Service) -> None:
    """Its advertisement comes in by the other end of bond0.2."""
    done = service.boxed(
        "ip address add 192.0.2.151/32 dev bond0.2; ip netns add peer; "
        "ip link set outside netns peer; ip -n peer link set outside up; "
        "ip -n peer address add 192.0.2.149/24 dev outside; "
        f"{START}; until {SHOW} | grep -q lo:lone; do :; done; "
        f"sed 's/bond0.2/outside/; s/priority .*/priority 255/' {service.configuration} >peer.conf;"
        "sed -i 's/ dev bond0.2//' peer.conf; "
        "ip netns exec peer sh -c 'mount -t tmpfs x /run; exec keepalived -n -f peer.conf' & "
        "peer=$!; "
        f"while {SHOW} | grep -q lo:lone; do sleep 0.05; done; {SHOW}; kill $parent $peer; wait"
    )
    assert "another director is heard (192.0.2.149): LONE_DIRECTOR is not for two" in done.stderr
    assert done.stdout == ""


def test_one_that_has_ended_before_it_is_looked_for_is_no_traceback(service: Service) -> None:
    done = service.boxed("true & ended=$!; wait $ended; ./lone $ended")
    assert (done.returncode, done.stderr) == (0, "")


def test_more_events_than_it_can_take(service: Service) -> None:
    """Some are dropped while it is stopped; then it takes those that it has got."""
    many = (
        "for a in 1 2 3 4; do for b in $(seq 250); do echo address add 10.0.$a.$b/32 dev lo; done"
    )
    its = "awk '$4 == \"00000010\" && {} {{ found = 1 }} END {{ exit !found }}' /proc/net/netlink"
    got, dropped = its.format("$5 > 0"), its.format("$9 > 0")
    done = service.boxed(
        "ip address add 192.0.2.151/32 dev lo label lo:lone; sleep 60 & ./lone $! & lone=$!; "
        f"until {its.format(1)}; do kill -0 $lone || exit; done; kill -STOP $lone; "
        f"{{ {many}; done; }} | ip -batch -; {dropped} && echo dropped; kill -CONT $lone; "
        f"while {got}; do sleep 0.02; done; ip address add 192.0.2.151/32 dev bond0.2; wait $lone"
    )
    assert done.stdout == "dropped\n", done.stderr
    assert done.stderr.endswith("keepalived/lone: keepalived is master\n"), "no traceback"


@needs_two
def test_what_an_error_left_is_removed_where_there_may_be_another_director(
    service: Service,
) -> None:
    """A broken configuration and HUP: keepalived exits 2, before 2.2.5 0, and it is left."""
    service.set("LONE_DIRECTOR", "no")
    done = service.boxed(
        f"{START}; {UNTIL_MASTER}; "
        f"sed -i 's/interface .*/interface eth9/' {service.configuration}; "
        "kill -HUP $parent; "
        f"wait $parent; code=$?; {SHOW}; ./finish $code 0 keepalived 1; echo $code; {SHOW}"
    )
    left, code = done.stdout.splitlines()
    assert "bond0.2" in left, done.stderr
    assert code in ("0", "2"), done.stderr
    assert code == "0" or "keepalived/finish: exit 2: configuration error" in done.stderr


def test_without_python_nothing_is_held(service: Service) -> None:
    done = service.boxed(
        "ip address add 192.0.2.151/32 dev bond0.2; mkdir tools; cd tools; "
        "for p in awk grep id ip ipvsadm keepalived mv rm sed stat timeout tail sh; do "
        "ln -s $(command -v $p); done; export PATH=$PWD; cd ..; ./start-check; "
        "sed -i 's/^PATH=.*//' common.sh; SUPERVISE_NONCE=1 timeout 1 ./run"
    )
    assert "warning: env/LONE_DIRECTOR: python3 not found: ignored" in done.stderr


def test_1_3_9_is_not_asked_to_keep_what_it_gives_up(service: Service) -> None:
    """It was seen to take its address off with -V -I too, at TERM and when it was killed."""
    service.stub("Keepalived v1.3.9 (10/21,2017)", 'echo "$*"')
    done = service.boxed("./start-check; SUPERVISE_NONCE=1 ./run")
    assert "keepalived 1.3.9 gives its addresses up all the same: ignored" in done.stderr
    assert done.stdout == f"-n -S 1 -f {service.configuration}\n"


@needs_two
def test_an_address_of_another_configuration_is_released(service: Service) -> None:
    done = service.boxed(
        f"{START}; {UNTIL_MASTER}; kill $parent; wait $parent; {SHOW}; "
        f"sed -i s/192.0.2.151/192.0.2.152/ {service.configuration}; {START}; "
        "until ip -4 address show bond0.2 | grep -q 192.0.2.152; do sleep 0.05; done; "
        f"echo now; {SHOW}; kill $parent; wait $parent"
    )
    assert done.stdout.count("\n") == 2, done.stdout
    assert done.stdout.endswith("now\n")
