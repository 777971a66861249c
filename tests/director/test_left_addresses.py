"""The addresses that an instance of keepalived left, and what finish or the next run does."""

import shutil
from pathlib import Path

import pytest

from tests.director.service import KEEPALIVED, Service, needs_root, real

pytestmark = needs_root

START = "./start-check && SUPERVISE_NONCE=1 ./run"
ADD = "for n in 151 152 153 159; do ip address add 192.0.2.$n/32 dev bond0.2; done"
"""159 is none of keepalived's."""
SHOW = "ip -oneline -4 address show | sed -n 's/.* 192.0.2.\\(15[1-9]\\).*/\\1/p'"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """Its keepalived ends at once."""
    found = Service(tmp_path)
    (found.directory / "supervise").mkdir()
    shutil.copy(KEEPALIVED / "lone.sh", found.directory)
    found.stub("Keepalived v2.2.7", "exit 0")
    return found


def becomes(service: Service, last: int) -> str:
    """The configuration has another address."""
    return f"sed -i 's/192.0.2.15./192.0.2.{last}/' {service.configuration}"


def left(service: Service, script: str) -> list[str]:
    done = service.boxed(f"{script}; {SHOW}")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("code", [1, 2, 204])
def test_an_error_those_of_each_configuration_that_it_may_have_had(
    service: Service, code: int
) -> None:
    checked = "; ".join(f"{becomes(service, last)}; ./start-check" for last in (152, 153))
    script = f"{START}; {checked}; {ADD}; ./finish {code} 0 keepalived 1"
    assert left(service, script) == ["159"]


def test_an_error_what_was_before_its_start_is_not_its(service: Service) -> None:
    ends = "./finish 0 0 keepalived 1 2>/dev/null"
    starts = "; ".join(f"{becomes(service, last)}; {START}; {ends}" for last in (151, 152))
    script = f"{starts}; {becomes(service, 153)}; {START}; {ADD}; ./finish 2 0 keepalived 1"
    assert left(service, script) == ["151", "152", "159"]


@pytest.mark.parametrize(
    ("checked", "expected"),
    [((), ["152", "153", "159"]), ((152,), ["153", "159"]), ((152, 153), ["153", "159"])],
)
def test_killed_the_next_one_releases_what_is_not_its(
    service: Service, checked: tuple[int, ...], expected: list[str]
) -> None:
    """Whether it was reloaded after a check nobody knows."""
    checks = "".join(f"{becomes(service, last)}; ./start-check; " for last in checked)
    script = f"{START}; {checks}{ADD}; ./finish 256 9 keepalived 1"
    assert left(service, f"{script}; {becomes(service, 153)}; {START}") == expected


def test_killed_what_was_checked_before_its_start_is_not_its(service: Service) -> None:
    checks = "; ".join(f"{becomes(service, last)}; ./start-check" for last in (152, 153))
    ends = "./finish 0 0 keepalived 1 2>/dev/null"
    script = f"{START}; {checks}; {ends}; {START}; {ADD}; ./finish 256 9 keepalived 1; {START}"
    assert left(service, script) == ["151", "152", "153", "159"]


@pytest.mark.parametrize(
    "told",
    [
        "./finish 0 0 keepalived 1 2>/dev/null",
        "sed -i 's/[0-9a-f-]\\{36\\}/another-boot/' supervise/started",
    ],
    ids=["ended by itself", "before the machine was started"],
)
def test_what_was_given_up_is_somebody_elses_by_now(service: Service, told: str) -> None:
    script = f"{START}; {told}; {ADD}; {becomes(service, 152)}; {START}"
    assert left(service, script) == ["151", "152", "153", "159"]


@real
def test_the_address_of_one_that_was_killed_before_it_heard_of_another(service: Service) -> None:
    (service.programs / "keepalived").unlink()
    run = "./start-check; SUPERVISE_NONCE=1 ./run & parent=$!"
    done = service.boxed(
        f"{run}; until {SHOW} | grep 151; do sleep 0.05; done; "
        "children=$(cat /proc/$parent/task/$parent/children); kill -STOP $children; "
        f"kill -KILL $parent $children; wait $parent; ./finish 256 9 keepalived 1; {SHOW}; "
        f"{becomes(service, 152)}; {run}; until {SHOW} | grep 152; do sleep 0.05; done; {SHOW}; "
        "kill $parent; wait $parent"
    )
    assert done.stdout == "151\n151\n152\n152\n", done.stderr
