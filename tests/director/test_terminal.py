"""`director` on a terminal, and where there is none. No keepalived is needed."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.fake import Fake, supervised
from tests.support.scan import DEADLINE, eventually

DIRECTOR = Path(sys.executable).parent / "director"
DRAWN = "\x1b[H"
"""Where each drawing begins."""
CONFIGURATION = (
    "vrrp_instance VI_1 {\n interface lo\n virtual_ipaddress {\n  192.0.2.151 dev lo\n }\n}\n"
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Fake]:
    """A keepalived that is down, though wanted up."""
    with supervised(tmp_path / "director") as found:
        (found.path / "env").mkdir()
        (found.path / "env" / "CONFIGURATION").write_text(f"{tmp_path}/conf\n")
        (tmp_path / "conf").write_text(CONFIGURATION)
        (found.path / "run").write_text("#!/bin/sh\nexec keepalived\n")
        found.record(reason="first", starts=1)
        yield found


class Terminal:
    """director on a terminal of its own."""

    def __init__(self, *words: str, **variables: str) -> None:
        self.reader, writer = pty.openpty()
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        self.process = subprocess.Popen(
            ["setsid", "--ctty", DIRECTOR, *words],
            stdin=writer,
            stdout=writer,
            stderr=writer,
            env=environment | variables,
        )
        os.close(writer)
        self.said = ""

    def until(self, text: str) -> None:
        end = time.monotonic() + DEADLINE
        while text not in self.said:
            ready, _, _ = select.select([self.reader], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} in {self.said!r}"
            self.said += os.read(self.reader, 65536).decode()

    def drawings(self) -> list[str]:
        return self.said.split(DRAWN)[1:]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.reader)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    found: list[Terminal] = []
    yield found
    for each in found:
        each.close()


def test_watch_redraws_in_place_and_ends_with_ctrl_c(
    service: Fake, terminals: list[Terminal]
) -> None:
    begun = time.monotonic()
    seen = Terminal("status", "--watch", str(service.path))
    terminals.append(seen)
    seen.until(": first")
    assert "\x1b[31m" in seen.said, "what is critical is red"
    service.record(reason="second", starts=2)
    seen.until(": second")
    seen.until("VI_1 ")
    assert "\x1b[J" in seen.said
    assert len(seen.drawings()) <= time.monotonic() - begun + 1, "once a second at most"
    os.write(seen.reader, b"\x03")
    assert seen.process.wait(DEADLINE) in (-signal.SIGINT, 128 + signal.SIGINT)
    assert "Traceback" not in seen.said


def test_watch_shows_no_more_than_the_screen_has(service: Fake, terminals: list[Terminal]) -> None:
    instances = "".join(CONFIGURATION.replace("VI_1", f"VI_{n}") for n in range(100))
    (service.path.parent / "conf").write_text(instances)
    seen = Terminal("status", "--watch", str(service.path))
    terminals.append(seen)
    seen.until("\x1b[J")
    lines = seen.drawings()[0].splitlines()
    assert "VI_0" in seen.said
    assert len(lines) <= 25


@pytest.mark.parametrize("words", [(), ("--watch",)])
def test_no_color(service: Fake, terminals: list[Terminal], words: tuple[str, ...]) -> None:
    seen = Terminal("status", *words, str(service.path), NO_COLOR="1")
    terminals.append(seen)
    seen.until("not on lo")
    assert not re.search(r"\x1b\[[0-9;]*m", seen.said)


def naps(pid: int) -> int:
    """How often it has slept."""
    found = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status(pid), re.MULTILINE)
    assert found
    return int(found[1])


def status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def test_watch_without_a_terminal_tells_only_what_has_changed(service: Fake) -> None:
    done = subprocess.Popen(
        [DIRECTOR, "status", "--watch", "--brief", service.path], stdout=subprocess.PIPE, text=True
    )
    assert done.stdout is not None
    try:
        assert ": first" in done.stdout.readline()
        before = naps(done.pid)
        eventually(lambda: naps(done.pid) >= before + 2, "it has looked again")
        service.record(reason="second", starts=2)
        line = done.stdout.readline()
        assert ": second" in line, "nothing was said that is the same"
        assert "\x1b" not in line
        done.send_signal(signal.SIGINT)
        assert done.wait(DEADLINE) == -signal.SIGINT
        assert done.stdout.read() == ""
    finally:
        done.kill()
        done.communicate()


# --- completion


def completion(shell: str) -> str:
    done = subprocess.run([DIRECTOR, "completion", shell], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_bash_completes() -> None:
    script = completion("bash") + (
        "COMP_WORDS=(director re); COMP_CWORD=1; _director_completion director director re; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = {"PATH": f"{DIRECTOR.parent}:{os.defpath}"}
    done = subprocess.run(
        ["bash", "-c", script], env=path, capture_output=True, text=True, timeout=DEADLINE
    )
    assert (done.stdout.split(), done.stderr) == (["reload", "restart"], "")


def test_fish_completes() -> None:
    asked = f"{completion('fish')}\ncomplete --do-complete 'director %s'"
    commands = run_shell("fish", "--no-config", "-c", asked % "re")
    assert commands == [
        "reload\tCheck, then have it read its configuration...",
        "restart\tCheck, then end it and start it again: a...",
    ]
    (option,) = run_shell("fish", "--no-config", "-c", asked % "status --br")
    assert option == "--brief\tOne line for all, as monitoring plugins have it."


def test_zsh_completes() -> None:
    """Its completion needs a terminal: zsh's own zpty is one. TAB completes, and lists."""
    script = (
        "zmodload zsh/zpty; zpty shell zsh -f -i; "
        "press() { zpty -w -n shell $1; zpty -r -m shell line $2; print -r -- $line; }; "
        "press $'PS1=; autoload -Uz compinit && compinit -u -D\\n"
        """source <(director completion zsh); echo rea""dy\\n' '*ready*'; """
        "press $'director rel\\t' '*director reload *'; "
        "press $'\\025director re\\t' '*reload  *-- Check, then *restart *--*'; "
        "press $'\\025director status --br\\t' '*director status --brief *'; echo done"
    )
    assert run_shell("zsh", "-f", "-c", script)[-1] == "done"


def run_shell(*command: str) -> list[str]:
    """The lines that it prints. Skips where there is no such shell."""
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]} here to complete in")
    path = {"PATH": f"{DIRECTOR.parent}:{os.defpath}", "TERM": "dumb", "LC_ALL": "C"}
    done = subprocess.run(
        command,
        env=path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


# --- wrong calls


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("status", "/nowhere"), 3, "director: /nowhere: no such service directory"),
        (("status", "--scan", "/nowhere"), 3, "/nowhere: unable to read: No such file or direc"),
        (("wait",), 2, "Error: one of --master and --ready is needed"),
        (("status", "--watch", "--ask"), 2, "Error: --watch never asks keepalived"),
        *(
            ((word, "-t", number), 2, f"not a number of seconds: {number}")
            for word, number in (("start", "nan"), ("stop", "inf"), ("restart", "1e300"))
        ),
        (("reload", "-t", "-1"), 2, "not a number of seconds: -1"),
        (("completion", "csh"), 2, "Error: Invalid value for '{bash|zsh|fish}'"),
    ],
)
def test_a_wrong_call_is_told_in_a_line(
    service: Fake, words: tuple[str, ...], code: int, line: str
) -> None:
    scan = {"DIRECTOR_SCAN": str(service.path.parent)}
    done = subprocess.run([DIRECTOR, *words], env=os.environ | scan, capture_output=True, text=True)
    assert done.returncode == code
    assert line in done.stderr.splitlines()[-1]


def test_nobody_supervises_it(service: Fake) -> None:
    service.die()
    for words, said in (
        (("wait", "--master"), "nobody supervises it"),
        (("start",), "supervise not running"),
    ):
        done = subprocess.run([DIRECTOR, *words, service.path], capture_output=True, text=True)
        assert done.returncode == 102
        (line,) = done.stderr.splitlines()
        assert said in line
