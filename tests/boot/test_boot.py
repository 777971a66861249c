"""svscan as docs/boot has it, under the real systemd and sysvinit: taking over works there."""

import sys
from pathlib import Path

import pytest

from tests.boot.box import ROOT, Box
from tests.boot.inside.services import WELL

pytestmark = pytest.mark.timeout(240)

SERVICES = f"""
chroot . {sys.executable} -c '
import sys
sys.path.insert(0, "{ROOT}")
from tests.boot.inside.services import add
add("a")
'
"""

TEST = f"/bin/sh -c 'cd {ROOT} && exec {sys.executable} -m tests.boot.inside.%s'"

SYSTEMD = f"""
cp {ROOT}/docs/boot/svscan.service etc/systemd/system/
mkdir etc/systemd/system/svscan.service.d
cat >etc/systemd/system/svscan.service.d/box.conf <<'E'
[Unit]
DefaultDependencies=no
[Service]
WatchdogSec=4
StandardError=append:/results/messages
E
cat >etc/systemd/system/box.target <<'E'
[Unit]
DefaultDependencies=no
Wants=box.service svscan.service
E
cat >etc/systemd/system/box.service <<'E'
[Unit]
DefaultDependencies=no
After=svscan.service
[Service]
Type=oneshot
ExecStart={TEST % "{module}"}
ExecStopPost=/bin/systemctl poweroff -ff
StandardError=file:/results/trouble
E
"""

SYSVINIT = f"""
mkdir -p var/log
cat >test <<'E'
#!/bin/sh
{TEST % "sysvinit"} 2>/results/trouble
cp /var/log/svscan.log /results
{{poweroff}}
E
chmod +x test
cat >etc/inittab <<'E'
id:2:initdefault:
bx:2:once:/test
E
cat {ROOT}/docs/boot/inittab >>etc/inittab
"""


@pytest.mark.parametrize("module", ["systemd", "oom"])
def test_systemd(tmp_path: Path, module: str) -> None:
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("needs systemd's files")
    box = Box(tmp_path)
    said = box.run(
        "/lib/systemd/systemd --unit=box.target", SERVICES + SYSTEMD.format(module=module)
    )
    assert said == WELL


def test_sysvinit(tmp_path: Path) -> None:
    box = Box(tmp_path, "sysvinit-core")
    prepare = SYSVINIT.format(poweroff=f"{box.busybox} poweroff -f")
    assert box.run("/sbin/init", SERVICES + prepare) == WELL
