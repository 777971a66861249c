"""keepalived/box/packages with the real apt and dpkg, on a copy of this machine that is lost."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[2] / "keepalived" / "box" / "packages"
CONTROL = """Package: probe
Version: 1
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: a program and a service
"""
INIT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: probe
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
exit 0
"""
UNIT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
# As debhelper writes it. Where there is a /gate, it waits there.
POSTINST = """#!/bin/sh -e
[ ! -e /gate ] || { echo begun >/begun; read x </gate; }
update-rc.d probe defaults
invoke-rc.d --skip-systemd-native probe start
deb-systemd-invoke start probe.service
! deb-systemd-helper --quiet was-enabled probe.service || deb-systemd-helper enable probe.service
"""
FILES = {
    "DEBIAN/control": CONTROL,
    "DEBIAN/postinst": POSTINST,
    "etc/init.d/probe": INIT,
    "lib/systemd/system/probe.service": UNIT,
    "usr/bin/probe-program": "#!/bin/sh\n",
}
INSTALL = "/box/packages probe-program:probe"
LOOK = """
dpkg-query -W -f='${Status}\\n' probe
find /etc/rc?.d /etc/systemd/system -name '*probe*' ! -name 'K*' | sort
[ ! -e /started ] || echo started
"""
INSTALLED = ["install ok installed"]
ENABLED = [f"/etc/rc{level}.d/S01probe" for level in "2345"]
ENABLED += ["/etc/systemd/system/multi-user.target.wants/probe.service", "started"]

NO_COPY = 77
COPY = f"""
mkdir work root &&
    mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root &&
    mount --rbind /proc root/proc && mount --rbind /dev root/dev || exit {NO_COPY}
exec "$@"
"""


class Machine:
    def __init__(self, base: Path) -> None:
        self.base = base
        upper = base / "upper"
        package = base / "package"
        for name, text in FILES.items():
            _write(package / name, text)
        repository = upper / "repository"
        repository.mkdir(parents=True)
        deb = repository / "probe.deb"
        build = ["dpkg-deb", "--build", "--root-owner-group", package, deb]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        content = deb.read_bytes()
        about = f"Size: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
        (repository / "Packages").write_text(f"{CONTROL}Filename: ./probe.deb\n{about}")
        shutil.copytree(PACKAGES.parent, upper / "box")
        for name in ("usr/sbin/invoke-rc.d", "usr/bin/deb-systemd-invoke"):
            _write(upper / name, "#!/bin/sh\necho $* >>/started\n")

    def run(self, script: str) -> list[str]:
        """The lines that are printed by a script on the copy, which knows this one package."""
        prepare = (
            "rm -rf /etc/apt/sources.list.d /etc/apt/preferences.d /usr/sbin/policy-rc.d; "
            "echo 'deb [trusted=yes] file:/repository ./' >/etc/apt/sources.list; "
            "cd /; "
        )
        shell = ["chroot", "root", "bash", "-c", prepare + script]
        done = subprocess.run(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
                *("sh", "-c", COPY, "sh", *shell),
            ],
            cwd=self.base,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode == NO_COPY:
            pytest.skip(f"no overlay here: {done.stderr.strip()}")
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout.splitlines()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755 if text.startswith("#!") else 0o644)


@pytest.fixture
def machine(short_path: Path) -> Machine:
    if os.getuid() != 0:
        pytest.skip("needs root, for namespaces")
    if not all(map(shutil.which, ("apt-get", "dpkg-deb", "deb-systemd-helper", "update-rc.d"))):
        pytest.skip("needs a Debian")
    return Machine(short_path)


def test_nothing_is_started_neither_now_nor_at_the_next_boot(machine: Machine) -> None:
    first, *rest = machine.run(f"{INSTALL}; {LOOK} {INSTALL}; which probe-program")
    assert first == "Installing probe (nothing of it is started on this machine) ..."
    assert rest == [*INSTALLED, "/usr/bin/probe-program"]


def test_what_was_left_half_done_is_done(machine: Machine) -> None:
    _, *rest = machine.run(f"dpkg --unpack /repository/probe.deb >&2; {INSTALL}; {LOOK}")
    assert rest == INSTALLED


def test_ctrl_c_while_it_installs(machine: Machine) -> None:
    begin = f"mkfifo /gate /begun; exec 3<>/gate; set -m; {INSTALL} & read x </begun; rm /begun"
    interrupt = "kill -INT -$!; printf 'x\\nx\\n' >&3; wait $!"
    shown = machine.run(f"{begin}; {interrupt}; {INSTALL}; {LOOK}")
    assert shown[-1:] == INSTALLED


def test_what_was_started_at_boot_before_stays_so(machine: Machine) -> None:
    by_hand = "dpkg --install /repository/probe.deb >&2; dpkg --unpack /repository/probe.deb >&2"
    _, *rest = machine.run(f"{by_hand}; {INSTALL}; {LOOK}")
    assert rest == [*INSTALLED, *ENABLED]


# --- on this machine, where nothing is installed


def programs(directory: Path, **stubs: str) -> dict[str, str]:
    """An environment in which there are these, and a few others."""
    for name in ("sh", "sed", "grep", "id", "dirname"):
        (directory / name).symlink_to(str(shutil.which(name)))
    for name, text in stubs.items():
        _write(directory / name.replace("_", "-"), f"#!/bin/sh\n{text}\n")
    return {"PATH": str(directory)}


def packages(environment: dict[str, str], *pairs: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PACKAGES, *pairs], env=environment, capture_output=True, text=True)


def test_without_dpkg_the_program_counts(tmp_path: Path) -> None:
    environment = programs(tmp_path)
    done = packages(environment, "sed:sed", "grep:nothing")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to come so far")
def test_where_there_are_no_namespaces(tmp_path: Path) -> None:
    refused = "echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1"
    environment = programs(tmp_path, unshare=refused, apt_get="echo called")
    done = packages(environment, "no-such-program:nothing")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert "no mount namespace here (a container?)" in line
    assert line.endswith("(missing or half installed: nothing)")
