"""The least that a version of keepalived must do under services/keepalived: for `make versions`."""

import subprocess
import time
from pathlib import Path

from acceptance.inside import kernel
from acceptance.inside.client import VIRTUAL_ADDRESS
from acceptance.inside.faults import kills
from acceptance.inside.outage import Seen, measure
from acceptance.inside.steps import run
from acceptance.inside.waiting import until
from acceptance.inside.world import World

BROKEN = {
    "brace": ("advert_int 1", "advert_int 1 {"),
    "interface": ("interface bond0.2", "interface eth9"),
    "word": ("priority 100", "priorty 100"),
}


class Trial(World):
    """`begin` is when svscan was about to be started."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        super().__init__()

    def holds(self) -> bool:
        return kernel.holds(VIRTUAL_ADDRESS)

    def asks(self, command: str) -> int:
        """The exit code of this command of `director`; what it says goes to the output."""
        words = ["director", command, str(self.director.service)]
        return subprocess.run(words, check=False).returncode


def starts(trial: Trial) -> dict[str, float | str]:
    """With which options, and after how long it holds the address."""
    until("the director holds the address", trial.holds, 30)
    seconds = round(time.monotonic() - trial.begin, 2)
    trial.director.await_serving()
    line = Path(f"/proc/{trial.director.pid('parent')}/cmdline").read_text()
    words = line.rstrip("\0").split("\0")[1:]
    where = words.index("-f")
    started = " ".join(words[:where] + words[where + 2 :])
    return {"started with": f"`{started}`", "start to address": seconds}


def is_checked(trial: Trial) -> dict[str, int]:
    """`director check`: exit code 0 for the article's configuration, and for broken ones."""
    good = trial.director.configuration.read_text()
    codes = {"check good": trial.asks("check")}
    for name, (old, new) in BROKEN.items():
        assert old in good
        trial.director.configuration.write_text(good.replace(old, new))
        codes[f"check {name}"] = trial.asks("check")
    trial.director.configuration.write_text(good)
    # What only `keepalived -t` finds is not found where there is none.
    assert list(codes.values())[:3] == [0, 1, 1], codes
    return codes


def is_well(trial: Trial) -> dict[str, int]:
    """`director status`, once all is there and nothing is new."""
    trial.director.await_settled()
    code = trial.asks("status")
    assert code == 0, code
    return {"status": code}


def reloads(trial: Trial) -> dict[str, int]:
    """`director reload`; the same process goes on."""
    before = trial.director.pid("parent")
    code = trial.asks("reload")
    trial.director.await_serving()
    assert (code, trial.director.pid("parent")) == (0, before), code
    return {"reload": code}


def comes_back(trial: Trial) -> Seen:
    """The parent killed with SIGKILL."""
    seen = measure(trial.director, kills(trial.director, "parent"))
    return {"kill to address back": seen["address back"], "failed": seen["failed"]}


def is_well_again(trial: Trial) -> None:
    """A restart that nobody asked for is a warning for ten minutes."""
    trial.director.await_settled()
    assert trial.asks("status") == 1


def stops(trial: Trial) -> dict[str, int]:
    """`director stop`; nothing is left."""
    code = trial.asks("stop")
    assert code == 0, code
    until("the address is gone", lambda: not trial.holds(), 10)
    until("all processes are gone", lambda: not any(trial.director.pids().values()), 10)
    assert not kernel.weights(), kernel.weights()
    return {"stop": code}


STEPS = (starts, is_well, is_checked, reloads, comes_back, is_well_again, stops)

if __name__ == "__main__":
    run("version", STEPS, Trial())
