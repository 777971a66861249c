"""What keepalived/run and start-check make of pid files: whose is the process that they name?"""

import shutil

import pytest

from tests.director.service import KEEPALIVED, Service, needs_keepalived, needs_root, needs_two

pytestmark = [needs_root, needs_keepalived]

STUB = "exec sleep 1000"
TRIES = "timeout 3 ./run; echo code $?"


def lookalike(service: Service) -> str:
    """A program that /proc calls keepalived, and that only sleeps."""
    path = service.programs / "sleeper" / "keepalived"
    path.parent.mkdir()
    shutil.copy("/bin/sleep", path)
    return str(path)


@needs_two
@pytest.mark.parametrize("content", ["", "4999999", "noise", "12 34\nnoise"])
def test_stale_ones_are_removed(service: Service, content: str) -> None:
    files = "/run/keepalived.pid /run/vrrp.pid /run/checkers.pid"
    script = f"for f in {files}; do echo '{content}' >$f; done; ./start-check && ls /run; {TRIES}"
    done = service.boxed(f"{script}; ls /run")
    before, _, after = done.stdout.partition("code 124\n")
    assert before.split() == ["checkers.pid", "keepalived.pid", "vrrp.pid"], done.stderr
    assert after == ""
    assert "(VI_1) Entering MASTER" not in done.stderr  # it logs to syslog only


@needs_two
def test_a_process_that_is_no_keepalived_is_left_alone(service: Service) -> None:
    done = service.boxed(
        "sleep 1000 & echo $! >/run/keepalived.pid; stranger=$!; ./start-check && "
        "{ timeout 3 ./run & sleep 1; ip -o address show bond0.2; }; "
        "kill -0 $stranger && echo alive; kill $stranger"
    )
    assert "192.0.2.151" in done.stdout, done.stderr
    assert "alive" in done.stdout


def test_a_zombie_is_no_keepalived(service: Service) -> None:
    done = service.boxed(
        f"{lookalike(service)} 0 & zombie=$!; while [ -e /proc/$zombie/exe ] && "
        "readlink /proc/$zombie/exe >/dev/null; do :; done; echo $zombie >/run/vrrp.pid; "
        f"./start-check && {TRIES}"
    )
    assert done.stdout == "code 124\n", (done.stdout, done.stderr)


def test_somebody_elses_keepalived_is_named_and_left_alone(service: Service) -> None:
    done = service.boxed(
        f"cd / && {lookalike(service)} 1000 & stranger=$!; echo $stranger >/run/keepalived.pid; "
        "while [ $(readlink /proc/$stranger/cwd) != / ]; do :; done; "
        "./start-check; echo $?; ./run; echo $?; kill -0 $stranger && cat /run/keepalived.pid; "
        "echo $stranger; kill $stranger"
    )
    line, refused, code, named, pid = done.stdout.splitlines()
    assert (refused, code) == ("1", "111")
    assert line == (
        f"another keepalived runs (pid {pid}, named in /run/keepalived.pid) and is not of this"
        " service: end it"
    )
    assert named == pid, "alive, and its pid file is there"
    assert line in done.stderr


def test_the_unit_of_somebody_elses_keepalived_is_named(service: Service) -> None:
    common = service.directory / "common.sh"
    cgroup = service.directory / "cgroup"
    cgroup.write_text("0::/system.slice/keepalived.service\n")
    text = common.read_text()
    assert '"/proc/$1/cgroup"' in text
    common.write_text(text.replace('"/proc/$1/cgroup"', f'"{cgroup}"'))
    done = service.boxed(
        f"cd / && {lookalike(service)} 1000 & stranger=$!; echo $stranger >/run/keepalived.pid; "
        "while [ $(readlink /proc/$stranger/cwd) != / ]; do :; done; ./start-check; kill $stranger"
    )
    assert "keepalived.service is active (keepalived, pid " in done.stdout
    assert "systemctl disable --now keepalived.service" in done.stdout


def test_what_is_left_of_ours_is_told_to_end(service: Service) -> None:
    """As the children of keepalived 1.2.1 do, which live for ever."""
    done = service.boxed(
        f"SUPERVISE_NONCE=0 {lookalike(service)} 1000 & orphan=$!; echo $orphan >/run/vrrp.pid; "
        "until [ $(readlink /proc/$orphan/exe) = $0 ]; do :; done; ./start-check && "
        "{ kill -0 $orphan && echo untouched; SUPERVISE_NONCE=1 timeout 3 ./run; "
        "wait $orphan; echo $?; }".replace("$0", str(service.programs / "sleeper/keepalived"))
    )
    assert done.stdout == "untouched\n143\n", done.stderr
    assert "is left from an earlier instance: told to end" in done.stderr


@pytest.mark.parametrize("mark", ["", "SUPERVISE_NONCE=0"])
def test_what_is_left_of_ours_may_work_in_the_root_directory(service: Service, mark: str) -> None:
    """As the children of 1.2.19, which tell by their command line alone whose they are."""
    program = lookalike(service)
    line = f"keepalived -n -S 1 -f {service.configuration}"
    nonce = "SUPERVISE_NONCE=1" if mark else ""
    done = service.boxed(
        f"{mark} bash -c 'cd /; exec -a \"{line}\" {program} 1000' & orphan=$!; "
        f"echo $orphan >/run/vrrp.pid; until [ $(readlink /proc/$orphan/exe) = {program} ]; "
        f"do :; done; ./start-check && {{ {nonce} timeout 3 ./run; wait $orphan; echo $?; }}"
    )
    assert done.stdout == "143\n", done.stderr
    assert "is left from an earlier instance: told to end" in done.stderr


def test_a_child_in_the_root_directory_has_its_parent_here(service: Service) -> None:
    """As those of 1.2.19 have, also when env/CONFIGURATION has changed meanwhile."""
    program = lookalike(service)
    parent = service.programs / "parent" / "keepalived"
    parent.parent.mkdir()
    shutil.copy("/bin/dash", parent)
    done = service.boxed(
        f"{parent} -c '(cd / && exec {program} 1000) & echo $! >/run/vrrp.pid; wait' & "
        "until [ -s /run/vrrp.pid ] && read -r child </run/vrrp.pid && "
        f"[ $(readlink /proc/$child/exe) = {program} ]; do :; done; ./start-check && echo passes; "
        "kill $child"
    )
    assert done.stdout == "passes\n", done.stderr


def test_without_the_mark_of_the_supervisor_it_is_somebody_elses(service: Service) -> None:
    program = lookalike(service)
    done = service.boxed(
        f"{program} 1000 & hand=$!; echo $hand >/run/vrrp.pid; "
        f"until [ $(readlink /proc/$hand/exe) = {program} ]; do :; done; "
        "SUPERVISE_NONCE=1 ./run; echo $?; kill $hand && echo alive"
    )
    assert done.stdout == "111\nalive\n"


def test_the_running_instance_does_not_hinder_a_reload(service: Service) -> None:
    done = service.boxed(
        "SUPERVISE_NONCE=0 ./run & until [ -s /run/vrrp.pid ]; do :; done; ./start-check; echo $?;"
        " kill $!; wait $!; echo $?; ls /run"
    )
    assert done.stdout == "0\n0\n", done.stderr


@pytest.mark.parametrize(
    "option", ["-p {}", "-p{}", "--pid={}", "--pid {}", "-r {}", "-c {}", "-Dp {}"]
)
def test_pid_files_that_options_name(service: Service, option: str) -> None:
    service.stub("Keepalived v2.2.7", "exit 0")
    service.set("OPTIONS", option.format("/run/other.pid"))
    done = service.boxed("echo 1 >/run/other.pid; ./run; ls /run")
    assert done.stdout == "", done.stderr


# --- finish


def test_finish_tells_exit_codes(service: Service) -> None:
    for code, words in {
        1: "fatal",
        2: "configuration",
        4: "permission",
        6: "no configuration",
        7: "no configuration",
    }.items():
        said = service.boxed(f"./finish {code} 0 keepalived 1").stderr
        assert said.startswith(f"keepalived/finish: exit {code}: {words}"), said
    assert service.boxed("./finish 256 9 keepalived 1; ./finish 111 0 keepalived 1").stderr == ""


def test_finish_names_who_is_running_already(service: Service) -> None:
    (service.directory / "supervise").mkdir()
    program = lookalike(service)
    done = service.boxed(
        f"cd / && {program} 1000 & holder=$!; cp /proc/uptime supervise/started; "
        "while [ $(readlink /proc/$holder/cwd) != / ]; do :; done; "
        "echo $holder >/run/vrrp.pid; ./finish 0 0 keepalived 1; echo $holder; kill $holder"
    )
    assert f"exit 0: another keepalived runs (pid {done.stdout.strip()}" in done.stderr


@pytest.mark.parametrize(
    ("version", "lives", "left"),
    [
        ("2.0.19", False, False),
        ("2.2.4", False, False),
        ("2.2.5", False, True),
        ("2.2.4", True, True),
    ],
)
def test_an_address_that_is_left_with_exit_0(
    service: Service, version: str, lives: bool, left: bool
) -> None:
    """2.0.19, 2.1.5 and 2.2.4 were seen to do so at a HUP with a configuration that they refuse."""
    (service.directory / "supervise").mkdir()
    shutil.copy(KEEPALIVED / "lone.sh", service.directory)
    (service.directory / "supervise/checked").write_text(
        f"version {version}\naddress 192.0.2.151\n"
    )
    program = lookalike(service)
    living = (
        f"{program} 1000 & echo $! >/run/vrrp.pid; "
        f"until [ $(readlink /proc/$!/exe) = {program} ]; do :; done;"
    )
    done = service.boxed(
        f"ip address add 192.0.2.151/32 dev bond0.2; {living if lives else ''} "
        "cp /proc/uptime supervise/started; ./finish 0 0 keepalived 1; "
        "ip -oneline address show bond0.2 | grep -c 192.0.2.151"
    )
    assert done.stdout == f"{int(left)}\n", done.stderr
    assert ("or found an error" in done.stderr) == (version != "2.2.5" and not lives)


def test_finish_says_that_it_was_soon(service: Service) -> None:
    (service.directory / "supervise").mkdir()
    done = service.boxed("cp /proc/uptime supervise/started; ./finish 0 0 keepalived 1")
    assert "ms after its start: unless it was told to end" in done.stderr
    done = service.boxed("echo 1.00 >supervise/started; ./finish 0 0 keepalived 1")
    assert done.stderr == ""
