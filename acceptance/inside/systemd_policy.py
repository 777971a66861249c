"""What systemd does with a service of Restart=always and RestartSec=100ms, and no more of it.

A stand-in for the real one, which would have to be process 1 of the box. As in
KillMode=control-group, which Debian's keepalived.service has, what a dead parent left gets TERM
and is waited for. More than five starts in 10 s are refused, as StartLimitBurst and
StartLimitIntervalSec have it, and then it has given up. USR1 is `systemctl restart`.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

RESTART_SEC = 0.1
BURST, INTERVAL = 5, 10.0
STOP_SEC = 90.0


def group_of(pid: int) -> list[int]:
    """Everything alive in the service's session: what its control group has in it."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def end_group(pid: int) -> None:
    deadline = time.monotonic() + STOP_SEC
    for each in group_of(pid):
        os.kill(each, signal.SIGTERM)
    while group_of(pid) and time.monotonic() < deadline:
        time.sleep(0.005)


def main() -> int:
    directory = sys.argv[1]
    asked = False
    service: subprocess.Popen[bytes] | None = None

    def restart(*_: object) -> None:
        nonlocal asked
        asked = True
        if service:
            service.terminate()

    signal.signal(signal.SIGUSR1, restart)
    starts: list[float] = []
    while True:
        now = time.monotonic()
        starts = [start for start in starts if now - start < INTERVAL]
        if len(starts) >= BURST:
            print("systemd policy: start request repeated too quickly, failed", flush=True)
            return 1
        starts.append(now)
        service = subprocess.Popen(["./run"], cwd=directory, start_new_session=True)
        service.wait()
        end_group(service.pid)
        if not asked:
            time.sleep(RESTART_SEC)
        asked = False


if __name__ == "__main__":
    sys.exit(main())
