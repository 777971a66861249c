"""Boot a Linux of its own as an ordinary program, wait until it powers off, end it.

User-mode Linux: no root, no KVM. It sees the machine's files and cannot write them, but for one
directory of results. What happens inside is up to its process 1.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from select import select
from types import TracebackType

ROOT = Path(__file__).parents[1]
UML = ROOT / ".uml"
INIT = ROOT / "acceptance/init"
BIN = Path(sys.executable).parent
MEMORY = "512M"


class BoxError(Exception):
    """The box did not do what it was started for; what it said is in the text."""


class Box:
    """A running box. Leaving the context ends it, whatever it does, and removes its files."""

    def __init__(self, init: Path, **environment: str) -> None:
        """Boot with this script as process 1; its environment is this and ROOT, BIN, UML, RESULTS.

        Without any white space: it is handed over on the kernel's command line.
        """
        self._directory = tempfile.TemporaryDirectory(prefix="box-")
        self.results = Path(self._directory.name).resolve()
        self._console = (self.results / "console").open("wb")
        told = dict(ROOT=ROOT, BIN=BIN, UML=UML, RESULTS=self.results, **environment)
        self._process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL"),  # should we be killed, it is too
                UML / "user-mode-linux/usr/bin/linux.uml",
                *(f"mem={MEMORY}", f"uml_dir={self.results}/", "umid=box", "quiet", "panic=-1"),
                *("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"),
                f"init={init}",
                *("con=null", "con0=null,fd:1", "con1=null,fd:1"),
                *(f"{key}={value}" for key, value in told.items()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=self._console,
            start_new_session=True,
        )

    def __enter__(self) -> "Box":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def said(self) -> str:
        """The last words of the box's console and of its program."""
        files = [self.results / name for name in ("console", "output", "director.log")]
        return "\n".join(
            file.read_text(errors="replace")[-4000:] for file in files if file.exists()
        )

    def wait(self, seconds: float) -> None:
        """Until the box has powered off. Raises BoxError after so many seconds."""
        ended = os.pidfd_open(self._process.pid)  # not reaped: the group stays ours until `end`
        try:
            done, _, _ = select([ended], [], [], seconds)
        finally:
            os.close(ended)
        if not done:
            raise BoxError(f"not done after {seconds:.0f} s; the box said:\n{self.said()}")

    def end(self) -> None:
        """Kill what still runs: the box is one process group, and it is ours."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._console.close()
        self._directory.cleanup()


def main() -> int:
    """python -m acceptance.box PROGRAM [KEY=VALUE...]: run it and show what it said and wrote."""
    program, *settings = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the box is ended
    with Box(INIT, PROGRAM=program, **dict(each.split("=", 1) for each in settings)) as box:
        begin = time.monotonic()
        box.wait(1200)
        print(box.said())
        for file in sorted(box.results.glob("*.json")):
            print(f"{file.name}: {file.read_text()}")
        print(f"{time.monotonic() - begin:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
