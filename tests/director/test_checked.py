"""What keepalived/start-check has passed is not asked again, until something of it has changed."""

from pathlib import Path

import pytest

from tests.director.service import INSTANCE, Service, needs_root

pytestmark = needs_root

LINKED = "mv $C ../real.conf && ln -s real.conf $C"
RELEASES = (
    "mkdir ../1 ../2 && cp $C ../1/k.conf && cp $C ../2/k.conf && ln -s 1 ../current && "
    "echo $PWD/../current/k.conf >env/CONFIGURATION"
)


def included(*names: str) -> str:
    return " && ".join(f"echo 'include {name}' >>$C" for name in names)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """Its keepalived leaves a line in `asked` for each -t."""
    found = Service(tmp_path)
    (found.directory / "supervise").mkdir()
    found.stub("Keepalived v2.2.7", f"echo -t >>{tmp_path}/asked")
    return found


def asked(service: Service, before: str, change: str) -> list[str]:
    """How often, in all, after two looks, and after one more that follows a change."""
    twice = "./start-check && ./start-check && wc -l <../asked"
    once = "./start-check && wc -l <../asked"
    done = service.boxed(f"C={service.configuration}; {before} && {twice} && {change} && {once}")
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (":", ":"),
        (included("nowhere/*.conf"), ":"),
        (LINKED, "touch ../beside"),
    ],
)
def test_nothing_has_changed(service: Service, before: str, change: str) -> None:
    assert asked(service, before, change) == ["1", "1"]


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (":", "echo >>$C"),
        (":", "cp -a $C ../old && mv ../old $C"),
        (":", "echo no >env/VRRP_ALONE"),
        ("mkdir ../conf.d && : >../conf.d/1 && " + included("conf.d/*"), "echo >../conf.d/1"),
    ],
)
def test_a_file_has_changed(service: Service, before: str, change: str) -> None:
    assert asked(service, before, change) == ["1", "2"]


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (LINKED, "echo >>../real.conf"),
        (RELEASES, "ln -sfn 2 ../current"),
        (RELEASES, "echo >>../1/k.conf"),
        ("echo no >../alone && ln -s ../../alone env/VRRP_ALONE", "echo >>../alone"),
        (
            "ln -s programs/keepalived ../k && echo $PWD/../k >env/KEEPALIVED",
            "echo >>../programs/keepalived",
        ),
    ],
    ids=["configuration", "directory", "behind the directory", "setting", "program"],
)
def test_what_a_link_leads_to_has_changed(service: Service, before: str, change: str) -> None:
    assert asked(service, before, change) == ["1", "2"]


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ("mkdir ../conf.d && " + included("conf.d/*.conf"), ": >../conf.d/1.conf"),
        (included("conf.d/*.conf"), "mkdir ../conf.d && : >../conf.d/1.conf"),
        ("mkdir ../a && " + included("*/conf"), ": >../a/conf"),
        (included("{more,less}.conf"), ": >../less.conf"),
        (included("{a,{b,c}d}.conf"), ": >../cd.conf"),
        (included("with a blank?"), ": >'../with a blank1'"),
        ("echo '@host include more.conf' >>$C", ": >../more.conf"),
        ("echo 'include more/*' >../1.conf && " + included("1.*"), "mkdir ../more && : >../more/2"),
    ],
)
def test_another_file_is_included(service: Service, before: str, change: str) -> None:
    assert asked(service, before, change) == ["1", "2"]


# --- which files there are


@pytest.mark.parametrize("name", ["{more,less}.conf", "m{o}re.conf", "{{le,mo}r,}e.conf"])
def test_what_braces_include_counts(service: Service, name: str) -> None:
    service.configuration.write_text(f"include {name}\n")
    assert "nothing to run" in service.refusal()
    (service.configuration.parent / "more.conf").write_text(INSTANCE)
    service.passes()


@pytest.mark.parametrize("version", ["2.2.7", "1.2.1"])
def test_names_may_have_blanks(service: Service, version: str) -> None:
    """keepalived takes all that follows `include` for the name."""
    service.stub(f"Keepalived v{version}", "exit 0")
    directory = service.configuration.parent / "a b"
    directory.mkdir()
    configuration = directory / "k 1.conf"
    service.set("CONFIGURATION", str(configuration))
    configuration.write_text("include c d.conf ! all that is there\n")
    missing = f"{configuration}: includes c d.conf, which is not there or cannot be read"
    assert service.refusal() == missing
    (directory / "c d.conf").write_text(INSTANCE)
    service.passes()


def test_the_first_of_several_that_are_missing_is_named(service: Service) -> None:
    two = service.configuration.parent / "two.conf"
    two.write_text("include c.conf\n")
    service.configuration.write_text("include one.conf\ninclude two.conf\n")
    missing = f"{service.configuration}: includes one.conf, which is not there or cannot be read"
    assert service.refusal() == missing


@pytest.mark.parametrize("name", ["k*.conf", "k?.conf", "k[1].conf", "{k}.conf"])
def test_a_configuration_that_keepalived_takes_for_a_pattern(service: Service, name: str) -> None:
    configuration = service.configuration.parent / name
    configuration.write_text(INSTANCE)
    service.set("CONFIGURATION", str(configuration))
    assert service.refusal() == (
        f"env/CONFIGURATION: {configuration}: keepalived takes one of *?[{{ for a pattern"
    )


def test_a_relative_configuration_is_watched_where_it_is(service: Service) -> None:
    (service.directory / "conf").mkdir()
    (service.directory / "conf" / "k.conf").write_text(INSTANCE)
    for name, where in ("conf/k.conf", "conf"), ("k.conf", "."), ("./conf/../k.conf", "conf/.."):
        service.set("CONFIGURATION", name)
        (service.directory / "k.conf").write_text(INSTANCE)
        service.passes()
        link = service.directory / "supervise" / "configuration"
        assert link.samefile(service.directory / where)
