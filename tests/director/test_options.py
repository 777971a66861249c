"""keepalived/start-check and what env/OPTIONS makes of keepalived, by the real one if possible."""

import pytest

from tests.director.service import INSTANCE, Service, needs_root, real

pytestmark = needs_root


@real
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--check --vrrp", "--check --vrrp: keepalived 2"),
        ("-P -C", "runs nothing with both: leave both out"),
        ("-f /etc/other.conf", "-f: name the configuration in env/CONFIGURATION"),
        ("--use-file=/x", "name the configuration in env/CONFIGURATION"),
        ("-v", "-v: keepalived would end at once"),
        ("-t", "-t: keepalived would end at once"),
        ("-T", "-T: keepalived would end at once"),
        ("--signum=DATA", "--signum=DATA: keepalived would end at once"),
        ("--no-such-option", "Unknown option --no-such-option"),
        ("-PC", "runs nothing with both: leave both out"),
        ("-dt", "-t: keepalived would end at once"),
        ("-dDf/x", "-f: name the configuration in env/CONFIGURATION"),
        ("-dZ", "Unknown option -Z"),
        ("--use=/x", "--use: write --use-file"),
        ("-d --vers", "--vers: write --version"),
        ("-d -- -D", "--: keepalived would not see what follows"),
    ],
)
def test_options_that_do_not_mean_what_they_say(service: Service, options: str, words: str) -> None:
    service.set("OPTIONS", options)
    line = service.refusal()
    assert line.startswith("env/OPTIONS: ")
    assert words in line


@real
@pytest.mark.parametrize(
    "options",
    [
        *("-d -D", "-dD", "--vrrp", "-p /run/other.pid", "-dp /run/Pt.pid", "-p/run/vt.pid"),
        *("--pid=/run/vt.pid", "--pid -f", "-M", "-mM/tmp/core", "--all", "-S 3"),
    ],
)
def test_options_that_do(service: Service, options: str) -> None:
    service.set("OPTIONS", options)
    service.passes()


def test_the_pair_where_only_one_runs(service: Service) -> None:
    service.stub("Keepalived v1.4.5")
    service.set("OPTIONS", "--check --vrrp")
    assert "keepalived 1.4.5 runs only one of them" in service.refusal()


def test_the_pair_where_both_run(service: Service) -> None:
    """1.2.19 was seen doing so."""
    service.stub("Keepalived v1.2.19 (08/15,2015)")
    service.set("OPTIONS", "--check --vrrp")
    service.passes()


@real
def test_check_beside_vrrp_alone(service: Service) -> None:
    service.set("VRRP_ALONE", "yes")
    service.set("OPTIONS", "--check")
    assert "runs nothing with both" in service.refusal()


@real
@pytest.mark.parametrize(
    "options", ["-p", "-d -i", "-dr", "--vrrp_pid", "-c -d -b", "-i x --pid", "--"]
)
def test_asking_starts_no_keepalived(service: Service, options: str) -> None:
    """Its --version was an argument, or no option, and it became a daemon."""
    service.set("OPTIONS", options)
    done = service.boxed("./start-check; readlink /proc/[0-9]*/exe | grep keepalived; ls -A /run")
    (line,) = done.stdout.splitlines()
    letter = {"--": "--", "--vrrp_pid": "-r", "-i x --pid": "-p", "-dr": "-r"}
    assert line.startswith(f"env/OPTIONS: {letter.get(options, options[-2:])}: "), done.stderr


def test_asking_starts_no_keepalived_that_has_other_options(service: Service) -> None:
    """-Z wants an argument, of which nothing is known here."""
    asked = 'case "$*" in *"-Z --version --help") echo "Usage: keepalived";; *) exit 1;; esac'
    service.program("keepalived", f'#!/bin/sh\n[ "$1" != --version ] || exit 0\n{asked}\n')
    service.set("OPTIONS", "-d -Z")
    assert service.refusal() == "env/OPTIONS: -Z: wants an argument, and there is none"


# --- what the configuration is tested with


TWO_HOSTS = INSTANCE.replace(
    "    interface bond0.2\n", "@one interface bond0.2\n@two interface eth9\n"
)


@real
@pytest.mark.parametrize("option", ["-i {}", "-i{}", "-Di {}", "--config-id={}", "--config-id {}"])
def test_the_host_that_it_is_tested_for(service: Service, option: str) -> None:
    service.configuration.write_text(TWO_HOSTS)
    service.set("OPTIONS", option.format("one"))
    assert service.passes() == ""
    service.set("OPTIONS", option.format("two"))
    assert "interface eth9 for vrrp_instance VI_1 doesn't exist" in service.refusal()
    service.set("OPTIONS", "")
    assert "Unknown interface!" in service.refusal()


@real
def test_the_namespace_that_it_is_tested_in(service: Service) -> None:
    service.configuration.write_text(INSTANCE.replace("bond0.2", "there0"))
    add = (
        "ip netns add there && ip -n there link add there0 type veth peer name far && ./start-check"
    )
    assert "interface there0 for vrrp_instance VI_1 doesn't exist" in service.refusal(add)
    service.set("OPTIONS", "-s there")
    assert service.passes(add) == ""


@real
def test_the_test_sets_nothing_in_the_kernel(service: Service) -> None:
    """With -m and -M, keepalived -t sets the pattern for core files."""
    service.set("OPTIONS", "-m -M/run/core")
    pattern = "/proc/sys/kernel/core_pattern"
    done = service.boxed(
        f"echo before >/run/pattern; mount --bind /run/pattern {pattern}; ./start-check; "
        f"cat {pattern}"
    )
    assert done.stdout == "before\n", done.stderr


def test_without_t_what_is_of_another_host_is_not_missed(service: Service) -> None:
    service.stub("Keepalived v1.3.9")
    service.configuration.write_text(TWO_HOSTS)
    service.passes()
    service.configuration.write_text(TWO_HOSTS + INSTANCE.replace("bond0.2", "eth9"))
    assert "line 13: interface eth9 does not exist" in service.refusal()
