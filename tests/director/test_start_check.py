"""What keepalived/start-check lets pass and how it refuses; by the real keepalived if possible."""

from pathlib import Path

import pytest

from tests.director.service import (
    INSTANCE,
    KEEPALIVED,
    VIRTUAL_SERVER,
    Service,
    needs_root,
    real,
)

pytestmark = needs_root


ARTICLE = KEEPALIVED / "box" / "keepalived.conf"


# --- the configuration, by the real keepalived


@real
def test_a_good_one_passes_in_silence(service: Service) -> None:
    assert service.passes() == ""


@real
def test_the_article_passes_with_its_deprecated_word(service: Service) -> None:
    service.configuration.write_text(ARTICLE.read_text())
    service.set("VRRP_ALONE", "yes")  # the machine may have no IPVS
    assert "nb_get_retry is deprecated" in service.passes()


@real
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("priority 255", "priorty 255", "Line 5) Unknown keyword 'priorty'"),
        ("interface", "interfce", "Line 3) Unknown keyword 'interfce'"),
        ("router_id 1", "router_id 999", "Line 4) number '999' outside range"),
        ("    }\n}", "    }\n", "There are 1 missing '}'s"),
        ("interface bond0.2", "interface eth9", "interface eth9 for vrrp_instance VI_1 doesn't"),
        ("151 dev bond0.2", "151 dev eth9", "interface eth9 for ip address 192.0.2.151 doesn't"),
    ],
)
def test_a_broken_one_is_refused_in_keepaliveds_own_words(
    service: Service, old: str, new: str, words: str
) -> None:
    assert old in INSTANCE
    service.configuration.write_text(INSTANCE.replace(old, new))
    line = service.refusal()
    assert line.startswith("keepalived -t: ")
    assert words in line
    assert str(service.configuration) in line


@real
@pytest.mark.parametrize(
    "line",
    [
        "authentication {\nauth_type PASS\nauth_pass longer-than-eight\n}",
        "notify_master /bin/true",
    ],
)
def test_what_it_only_warns_of_passes(service: Service, line: str) -> None:
    service.configuration.write_text(INSTANCE.replace("priority 255", f"priority 255\n{line}"))
    assert service.passes() != ""


@real
def test_an_interface_that_may_come_later_passes(service: Service) -> None:
    later = INSTANCE.replace("bond0.2", "eth9")
    service.configuration.write_text(f"global_defs {{\n dynamic_interfaces\n}}\n{later}")
    service.passes()


@real
def test_untested_where_that_is_wanted(service: Service) -> None:
    service.configuration.write_text(INSTANCE.replace("priority 255", "priorty 255"))
    service.set("TEST_CONFIGURATION", "no")
    assert service.passes() == ""


@real
def test_nothing_is_left_and_nothing_changed(service: Service) -> None:
    before = sorted(path.name for path in service.directory.rglob("*"))
    done = service.boxed("./start-check && ls /run && ip -o address show bond0.2 | grep 151")
    assert done.stdout == ""
    assert sorted(path.name for path in service.directory.rglob("*")) == before


# --- the files


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_empty(service: Service, text: str) -> None:
    service.stub("Keepalived v2.2.7")
    service.configuration.write_text(text)
    assert service.refusal() == f"{service.configuration}: empty"


@pytest.mark.parametrize(
    "text", ["! nothing\n", "global_defs {\n}\n", "virtual_server_group a {\n}"]
)
def test_nothing_to_run(service: Service, text: str) -> None:
    service.stub("Keepalived v2.2.7")
    service.configuration.write_text(text)
    assert f"{service.configuration}: nothing to run" in service.refusal()


def test_virtual_servers_alone_are_nothing_to_run_for_vrrp_alone(service: Service) -> None:
    service.stub("Keepalived v2.2.7")
    service.configuration.write_text(VIRTUAL_SERVER)
    service.set("VRRP_ALONE", "yes")
    assert "no vrrp_instance (and env/VRRP_ALONE says yes)" in service.refusal()


def test_missing(service: Service) -> None:
    service.configuration.unlink()
    assert f"{service.configuration}: unable to read" in service.refusal()


def test_no_keepalived(service: Service) -> None:
    service.set("KEEPALIVED", "/nowhere/keepalived")
    assert "/nowhere/keepalived: not found: install keepalived" in service.refusal()


def test_an_include_that_is_missing(service: Service) -> None:
    service.stub("Keepalived v2.2.7")
    more = service.configuration.parent / "more.conf"
    more.write_text("include servers/web.conf\n")
    service.configuration.write_text(f"{INSTANCE}include more.conf\n")
    line = service.refusal()
    assert line == f"{more}: includes servers/web.conf, which is not there or cannot be read"


@real
def test_a_pattern_may_find_nothing_and_what_is_found_counts(service: Service) -> None:
    service.configuration.write_text("include more/*.conf\n")
    assert "nothing to run" in service.refusal()
    more = service.configuration.parent / "more"
    more.mkdir()
    (more / "1.conf").write_text(INSTANCE)
    service.passes()


def test_not_root(service: Service) -> None:
    service.stub("Keepalived v2.2.7")
    for path in (service.directory, *service.directory.parents):
        if not path.stat().st_mode & 0o001:
            pytest.skip(f"only root can go through {path}")
    line = service.refusal("./start-check", "setpriv", "--reuid", "65534", "--clear-groups")
    assert line.startswith("not root: ")


# --- versions that cannot be had


@pytest.mark.parametrize("version", ["1.2.1", "1.4.5", "2.0.3"])
def test_without_t_it_is_looked_at(service: Service, version: str) -> None:
    service.stub(f"Keepalived v{version} (05/11,2011)")
    said = service.passes()
    assert f"keepalived {version} has no -t: the configuration is looked at, not tested" in said


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    }\n}", "    }\n", "1 missing }"),
        ("    }\n}", "    }\n}\n}", "line 10: } without {"),
        ("interface bond0.2", "interface eth9", "line 3: interface eth9 does not exist"),
        ("151 dev bond0.2", "151 dev eth9", "line 7: interface eth9 does not exist"),
    ],
)
def test_without_t_braces_and_interfaces(service: Service, old: str, new: str, words: str) -> None:
    service.stub("Keepalived v1.2.1")
    service.configuration.write_text(INSTANCE.replace(old, new))
    line = service.refusal()
    assert line.startswith(f"{service.configuration}: ")
    assert line.endswith(words)


def test_without_t_a_name_in_a_comment_is_none(service: Service) -> None:
    service.stub("Keepalived v1.2.1")
    service.configuration.write_text(f"! interface eth9 {{\n# dev eth9\n{INSTANCE}")
    service.passes()


@pytest.mark.parametrize(
    ("built", "text", "words"),
    [
        ("LVS REGEX", INSTANCE, "has a vrrp_instance, and this keepalived 2.2.7 was built without"),
        ("VRRP JSON", VIRTUAL_SERVER, "has a virtual_server, and this keepalived 2.2.7 was built"),
    ],
)
def test_built_without(service: Service, built: str, text: str, words: str) -> None:
    service.stub(f"Keepalived v2.2.7\n\nConfig options:  {built}\n", "exit 0")
    service.configuration.write_text(text)
    assert words in service.refusal()


@pytest.mark.parametrize("options", ["", "-d"])
def test_one_that_tells_no_version_is_tested_all_the_same(service: Service, options: str) -> None:
    """2.3.3 and 2.3.4 as seen without /etc/keepalived/keepalived.config-opts."""
    no_version = 'echo "Unable to read build config options file" >&2; exit 1'
    for tested, passes in (("exit 0", True), ("echo no good; exit 5", False)):
        text = f'case "$*" in *--version* | *--help*) {no_version} ;; esac; {tested}'
        service.program("keepalived", f"#!/bin/sh\n{text}\n")
        service.set("OPTIONS", options)
        if passes:
            assert service.passes() == ""
        else:
            assert service.refusal() == f"keepalived -t: {service.configuration}: no good"


# --- IPVS


@real
def test_virtual_servers_and_no_ipvs(service: Service) -> None:
    service.configuration.write_text(INSTANCE + VIRTUAL_SERVER)
    service.program("modprobe", "#!/bin/sh\nexit 1\n")
    if "ip_vs" in {path.name for path in Path("/proc/net").iterdir()}:
        pytest.skip("this kernel has IPVS")
    assert "has virtual servers and this kernel has no IPVS" in service.refusal()
