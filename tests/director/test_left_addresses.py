"""What keepalived/finish does with the addresses that an instance of keepalived left."""

import shutil
from pathlib import Path

import pytest

from tests.director.service import KEEPALIVED, Service, needs_root, real

pytestmark = needs_root

START = "./start-check && SUPERVISE_NONCE=1 ./run"
SHOW = "ip -oneline -4 address show | sed -n 's/.* 192.0.2.\\(15[1-9]\\).*/\\1/p'"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    found = Service(tmp_path)
    (found.directory / "supervise").mkdir()
    shutil.copy(KEEPALIVED / "lone.sh", found.directory)
    return found


def becomes(service: Service, last: int) -> str:
    """The configuration has another address."""
    return f"sed -i 's/192.0.2.15./192.0.2.{last}/' {service.configuration}"


def left(service: Service, before: str, ending: str) -> list[str]:
    """Of what a keepalived left, and 159, which is none of its: what is there after finish."""
    service.stub("Keepalived v2.2.7", "exit 0")
    add = "for n in 151 152 153 159; do ip address add 192.0.2.$n/32 dev bond0.2; done"
    done = service.boxed(f"{START}; {before}; {add}; ./finish {ending} keepalived 1; {SHOW}")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("ending", ["256 9", "1 0", "2 0", "204 0"])
def test_those_of_each_configuration_that_it_may_have_had(service: Service, ending: str) -> None:
    before = "; ".join(f"{becomes(service, last)}; ./start-check" for last in (152, 153))
    assert left(service, before, ending) == ["159"]


def test_what_was_before_its_start_is_not_its(service: Service) -> None:
    before = "; ".join(f"{becomes(service, last)}; {START}" for last in (152, 153))
    assert left(service, before, "2 0") == ["151", "152", "159"]


@pytest.mark.parametrize("before", [":", "./start-check"])
def test_where_nothing_has_changed_a_signal_means_nothing(service: Service, before: str) -> None:
    assert left(service, before, "256 9") == ["151", "152", "153", "159"]


@real
def test_the_address_of_one_that_was_killed_before_it_heard_of_another(service: Service) -> None:
    done = service.boxed(
        "./start-check; SUPERVISE_NONCE=1 ./run & parent=$!; "
        f"until {SHOW} | grep 151; do sleep 0.05; done; {becomes(service, 152)}; ./start-check; "
        "children=$(cat /proc/$parent/task/$parent/children); kill -STOP $children; "
        f"kill -KILL $parent $children; wait $parent; {SHOW}; "
        f"./finish 256 9 keepalived 1; {SHOW}"
    )
    assert done.stdout == "151\n151\n", done.stderr
