"""rsyslogd, with local1 in a file of its own."""

import subprocess
from pathlib import Path

from acceptance.inside.waiting import until

FILE = Path("/run/results/local1.log")
CONFIGURATION = f"""
module(load="imuxsock")
local1.* action(type="omfile" file="{FILE}")
*.*;local1.none action(type="omfile" file="/run/other.log")
"""


class Syslog:
    def __init__(self) -> None:
        configuration = Path("/run/rsyslog.conf")
        configuration.write_text(CONFIGURATION)
        subprocess.run(["rsyslogd", "-f", configuration, "-i", "/run/rsyslogd.pid"], check=True)
        until("/dev/log is there", Path("/dev/log").exists, 10)

    def lines(self) -> list[str]:
        return FILE.read_text(errors="replace").splitlines() if FILE.exists() else []

    def await_line(self, *words: str, seconds: float, after: int = 0) -> str:
        """The first line, of those after the first so many, with all these words in it."""

        def look() -> str:
            fitting = (line for line in self.lines()[after:] if all(word in line for word in words))
            return next(fitting, "")

        return until(f"a line on local1 with {' ... '.join(words)}", look, seconds)
