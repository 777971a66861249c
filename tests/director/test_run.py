"""What keepalived/run decides. keepalived is a stub: it tells a version or its command line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "keepalived" / "run"

STUB = """#!/bin/sh
[ "$1" = --version ] || { echo "$0 $*"; exit 0; }
cat <<END >&2
%s
END
"""
VRRP_ONLY = "vrrp_instance VI_1 {\n}\n"
WITH_VIRTUAL_SERVER = VRRP_ONLY + "virtual_server 192.0.2.1 80 {\n}\n"

PAIR = "--check --vrrp"
LEFT_OUT = "left out --check --vrrp: both run without it, and with it only in 1.2.1 to 1.2.19\n"


class Service:
    """A copy of the service directory, a configuration, and stubs of keepalived and modprobe."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "service"
        self.env = self.directory / "env"
        self.programs = directory / "programs"
        self.configuration = directory / "keepalived.conf"
        self.env.mkdir(parents=True)
        self.programs.mkdir()
        for name in ("run", "common.sh"):
            shutil.copy(RUN.parent / name, self.directory)
        self.set("CONFIGURATION", f"{self.configuration}\n")
        self.configuration.write_text(VRRP_ONLY)
        self.keepalived_says("Keepalived v2.2.7 (01/16,2022)")
        self.program("modprobe", "#!/bin/sh\nexit 1\n")

    def set(self, name: str, content: str) -> None:
        (self.env / name).write_text(content)

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    def keepalived_says(self, version: str) -> None:
        self.program("keepalived", STUB % version)

    def run(self, *prefix: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*prefix, "./run"],
            cwd=self.directory,
            env={"PATH": f"{self.programs}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=30,
        )

    def command_line(self, *prefix: str) -> str:
        """What run starts, without what is the same each time."""
        done = self.run(*prefix)
        assert done.returncode == 0, done.stderr
        always = f"{self.programs}/keepalived -n -S 1 -f {self.configuration}"
        assert done.stdout.startswith(always)
        return done.stdout[len(always) :].strip()

    def refusal(self, *prefix: str) -> str:
        done = self.run(*prefix)
        assert done.returncode == 111
        assert done.stdout == ""
        lines = done.stderr.splitlines()
        assert len(lines) == 1, "one clear line"
        assert lines[0].startswith("keepalived/run: fatal: ")
        return lines[0]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


# /proc is covered, so that IPVS is there or not as the test wants.
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to cover /proc")
WITHOUT_IPVS = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs test /proc && exec "$@"', "sh"]
WITH_IPVS = [
    *WITHOUT_IPVS[:4],
    'mount -t tmpfs test /proc && mkdir /proc/net && : >/proc/net/ip_vs && exec "$@"',
    "sh",
]

# --- the version


@needs_root
@pytest.mark.parametrize("version", ["1.2.1", "1.2.7", "1.2.9", "1.2.10", "1.2.13", "1.2.19"])
def test_pair_where_it_runs_both(service: Service, version: str) -> None:
    """1.2.1 and 1.2.19 were seen doing so."""
    service.keepalived_says(f"Keepalived v{version} (05/11,2011)")
    done = service.run(*WITH_IPVS)
    assert done.stdout.strip().endswith(PAIR)
    assert done.stderr == ""


@pytest.mark.parametrize(
    "version",
    ["1.1.20", "1.2.20", "1.2.130", "1.3.6", "1.4.5", "2.0.0", "2.2.7", "2.3.10"],
)
def test_no_pair_where_it_does_not(service: Service, version: str) -> None:
    service.keepalived_says(f"Keepalived v{version} (01/16,2022)")
    done = service.run()
    assert done.stdout.strip().endswith(f"-f {service.configuration}")
    assert done.stderr == f"keepalived/run: keepalived {version}: {LEFT_OUT}"


def test_version_of_a_build_from_git(service: Service) -> None:
    service.keepalived_says(
        "Keepalived v2.2.8 (04/04,2023), git commit v2.2.7-154-g292b299e+\n\nCopyright(C) v1.2.1"
    )
    assert f"keepalived 2.2.8: {LEFT_OUT}" in service.run().stderr


@pytest.mark.parametrize(
    "text", ["", "usage: keepalived", "Keepalived vNext", "no such option: v1.2.1"]
)
def test_unknown_version_runs_both_in_the_way_that_every_version_knows(
    service: Service, text: str
) -> None:
    service.keepalived_says(text)
    done = service.run()
    assert done.stdout.strip().endswith(f"-f {service.configuration}")
    assert done.stderr == f"keepalived/run: keepalived of unknown version: {LEFT_OUT}"


# --- settings


def test_options_are_words_and_not_patterns(service: Service) -> None:
    service.set("OPTIONS", "-d  --log-facility=* \t\nsecond line\n")
    (service.directory / "--log-facility=file").touch()
    assert service.command_line() == "-d --log-facility=*"


def test_empty_files_and_no_files_are_no_setting(service: Service) -> None:
    service.set("OPTIONS", "")
    service.set("VRRP_ALONE", "\n")
    service.set("KEEPALIVED", "  \n")
    assert service.command_line() == ""


def test_a_setting_without_newline_counts(service: Service) -> None:
    service.set("OPTIONS", "-d")
    assert service.command_line() == "-d"


def test_settings_come_from_files_only(service: Service) -> None:
    strangers = {"OPTIONS": "-x", "VRRP_ALONE": "yes", "CONFIGURATION": "/nowhere"}
    assert (
        service.command_line("env", *(f"{name}={value}" for name, value in strangers.items())) == ""
    )


def test_vrrp_alone_asks_for_no_version(service: Service) -> None:
    service.set("VRRP_ALONE", "yes \n")
    service.program("keepalived", '#!/bin/sh\n[ "$1" != --version ] && echo "$0 $*"\n')
    assert service.command_line() == "--vrrp"


def test_vrrp_alone_must_be_yes_or_no(service: Service) -> None:
    service.set("VRRP_ALONE", "true\n")
    done = service.run()
    assert done.returncode == 0
    assert "warning: env/VRRP_ALONE: 'true' is neither yes nor no, taken as no\n" in done.stderr
    assert "--vrrp" not in done.stdout


def test_a_misspelt_setting_is_named(service: Service) -> None:
    service.set("VRRP_ALON", "yes")
    assert "warning: env/VRRP_ALON: no such setting, ignored\n" in service.run().stderr


def test_a_setting_that_cannot_be_read_is_named(service: Service) -> None:
    (service.env / "OPTIONS").mkdir()
    done = service.run()
    assert done.returncode == 0
    assert "warning: env/OPTIONS: unable to read, ignored\n" in done.stderr


def test_no_env_directory_is_all_defaults(service: Service) -> None:
    shutil.rmtree(service.env)
    done = service.run()
    assert "warning" not in done.stderr
    if Path("/etc/keepalived/keepalived.conf").exists():
        assert "-f /etc/keepalived/keepalived.conf" in done.stdout
    else:
        assert "fatal: /etc/keepalived/keepalived.conf: unable to read" in done.stderr


def test_the_settings_of_the_checkout_are_the_defaults() -> None:
    found = {path.name: path.read_text() for path in (RUN.parent / "env").iterdir()}
    assert found == {
        "CONFIGURATION": "/etc/keepalived/keepalived.conf\n",
        "KEEPALIVED": "keepalived\n",
        "OPTIONS": "",
        "VRRP_ALONE": "no\n",
    }


# --- what is missing


def test_no_keepalived(service: Service) -> None:
    service.set("KEEPALIVED", "/nowhere/keepalived\n")
    assert "/nowhere/keepalived: not found: install keepalived" in service.refusal()


@pytest.mark.parametrize("kind", ["missing", "directory"])
def test_no_configuration(service: Service, kind: str) -> None:
    service.configuration.unlink()
    if kind == "directory":
        service.configuration.mkdir()
    assert f"{service.configuration}: unable to read" in service.refusal()


# --- the kernel


@needs_root
@pytest.mark.parametrize("text", [VRRP_ONLY, WITH_VIRTUAL_SERVER])
def test_virtual_servers_and_ipvs(service: Service, text: str) -> None:
    service.configuration.write_text(text)
    service.keepalived_says("Keepalived v1.2.1 (05/11,2011)")
    assert service.command_line(*WITH_IPVS) == PAIR


@needs_root
def test_without_ipvs_no_health_checker_that_would_die_again_and_again(service: Service) -> None:
    """Seen of 1.2.19: it runs one also where no virtual server is configured, and starts it anew
    500 times a second."""
    service.keepalived_says("Keepalived v1.2.19 (08/15,2015)")
    assert service.command_line(*WITHOUT_IPVS) == "--vrrp"


@needs_root
def test_virtual_servers_and_no_ipvs(service: Service) -> None:
    service.configuration.write_text(WITH_VIRTUAL_SERVER)
    refusal = service.refusal(*WITHOUT_IPVS)
    assert f"{service.configuration} has virtual servers and this kernel has no IPVS" in refusal
    assert "env/VRRP_ALONE" in refusal, "what to do"


@needs_root
def test_ipvs_is_loaded_where_it_is_a_module(service: Service) -> None:
    service.configuration.write_text(WITH_VIRTUAL_SERVER)
    service.program(
        "modprobe",
        '#!/bin/sh\n[ "$1" = ip_vs ] && /bin/mkdir /proc/net && : >/proc/net/ip_vs\n',
    )
    assert service.command_line(*WITHOUT_IPVS) == ""


@needs_root
def test_vrrp_alone_needs_no_ipvs(service: Service) -> None:
    service.configuration.write_text(WITH_VIRTUAL_SERVER)
    service.set("VRRP_ALONE", "yes\n")
    assert service.command_line(*WITHOUT_IPVS) == "--vrrp"


@needs_root
@pytest.mark.parametrize(
    "line",
    [
        "virtual_server 192.0.2.1 80 {",
        "\tvirtual_server fwmark 1 {",
        "virtual_server_group web {",
        "virtual_server",
        "@director1 virtual_server 192.0.2.1 80 {",
    ],
)
def test_what_is_a_virtual_server(service: Service, line: str) -> None:
    service.configuration.write_text(f"global_defs {{\n}}\n{line}\n}}\n")
    service.refusal(*WITHOUT_IPVS)


@needs_root
@pytest.mark.parametrize(
    "line",
    [
        "",
        "! virtual_server 192.0.2.1 80 {",
        "#virtual_server 192.0.2.1 80 {",
        "router_id virtual_server",
        "virtual_servers 1",
        "include nowhere/*.conf",
        "include keepalived.conf",  # itself
    ],
)
def test_what_is_none(service: Service, line: str) -> None:
    service.configuration.write_text(f"{VRRP_ONLY}{line}\n")
    assert service.command_line(*WITHOUT_IPVS) == ""


@needs_root
def test_virtual_server_in_an_included_file(service: Service) -> None:
    service.configuration.write_text(VRRP_ONLY + "include more/*.conf ! all of them\n")
    more = service.configuration.parent / "more"
    more.mkdir()
    (more / "1.conf").write_text(VRRP_ONLY)
    (more / "2.conf").write_text("include servers/web\n")
    assert service.command_line(*WITHOUT_IPVS) == ""
    (more / "servers").mkdir()
    (more / "servers" / "web").write_text("virtual_server 192.0.2.1 80 {\n}\n")
    service.refusal(*WITHOUT_IPVS)


@needs_root
@pytest.mark.parametrize("name", ["more one.conf", "{more,less} one.conf", "m*e.conf"])
def test_virtual_server_where_names_have_blanks(service: Service, name: str) -> None:
    directory = service.configuration.parent / "my own"
    directory.mkdir()
    service.configuration = directory / "k 1.conf"
    service.set("CONFIGURATION", str(service.configuration))
    service.configuration.write_text(f"{VRRP_ONLY}include {name}\n")
    assert service.command_line(*WITHOUT_IPVS) == ""
    (directory / "more one.conf").write_text("virtual_server 192.0.2.1 80 {\n}\n")
    assert f"{service.configuration} has virtual servers" in service.refusal(*WITHOUT_IPVS)
    service.configuration.write_text(WITH_VIRTUAL_SERVER)
    service.refusal(*WITHOUT_IPVS)
