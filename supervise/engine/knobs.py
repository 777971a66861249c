"""The knobs of a service directory: one small file each, read when it is used.

A bad value is a warning that names the file, and the default is taken; where the file cannot be
read just now, what it said when it was read last.
"""

import os
import signal
import stat
import time
from collections.abc import Callable
from typing import Any, TypeVar

from supervise.core.backoff import Backoff
from supervise.core.events import CHECK, CLEAR, FINISH, Steps
from supervise.engine import files
from supervise.engine.checked import lacks_room
from supervise.engine.messages import legible
from supervise.protocol.errors import text

T = TypeVar("T")
Complain = Callable[[str, str], None]
"""Called with the name of the knob, and one line."""
Mended = Callable[[str], None]
"""Called with the name of a knob that was bad when it was read last, and is no more."""

_PROGRAMS = frozenset((b"finish", b"start-check"))
_STEPS = {
    b"finish": FINISH,
    b"leftovers": CLEAR,
    b"notification-fd": CHECK,  # after it, it is asked whether the service can tell
    b"start-check": CHECK,
    b"watch": CHECK,
}
NAMES = frozenset(
    (
        b"backoff",
        b"down-signal",
        b"finish",
        b"leftovers",
        b"notification-fd",
        b"start-check",
        b"timeout-finish",
        b"timeout-kill",
        b"timeout-leftovers",
        b"timeout-start-check",
        b"watch",
    )
)
_BACKOFF = Backoff()
_NO_STEPS: Steps = frozenset()
_NO_NAMES: frozenset[bytes] = frozenset()
_NONE_BAD: frozenset[str] = frozenset()
_NOTHING_BEFORE: dict[bytes, Any] = {}
_UNKNOWN = -1
_SETTLED = 1_000_000_000
"""Nanoseconds, far more than the resolution of time stamps in any file system."""

LEFTOVERS = ("ignore", "wait", "kill")
MOST_WATCHED = 100
_MOST_SHOWN = 20
"""Of a bad value: enough to know it by."""

LEAST_DELAY = 0.1
"""Seconds: what `backoff/first` and `backoff/max` may not go below, so that nothing spins."""


class Knobs:
    """Most services have few knobs or none, so the names in the directory are read first, once for
    all that is asked until `look_again`; and not again while the directory has not changed.

    :param complain: told of each bad value, in one line.
    """

    __slots__ = (
        "_bad",
        "_before",
        "_changed",
        "_complain",
        "_directory",
        "_looked",
        "_mended",
        "_name",
        "_names",
    )

    def __init__(
        self,
        directory: bytes,
        name: bytes,
        complain: Complain,
        mended: Mended = lambda knob: None,
    ) -> None:
        self.follow(directory, name)
        self._complain = complain
        self._names = _NO_NAMES
        self._mended = mended
        self._bad = _NONE_BAD
        self._before = _NOTHING_BEFORE

    def follow(self, directory: bytes, name: bytes) -> None:
        """The directory is there, and is called that in messages."""
        self._directory = directory + b"/"
        self._name = legible(name) + "/"
        self._changed = _UNKNOWN
        self._looked = False

    def look_again(self) -> None:
        self._looked = False

    def has(self, name: bytes) -> bool:
        """Whether the service directory has the knob of this name."""
        if not self._looked:
            try:
                self._look()
            except OSError:
                return os.access(self._directory + name, os.F_OK)
        return name in self._names

    def steps(self) -> Steps:
        """What lies on the way from one instance to the next, by the names of the knobs alone."""
        if not self.has(b"finish") and self._looked and not self._names:
            return _NO_STEPS
        return frozenset(step for name, step in _STEPS.items() if self.has(name))

    def _look(self) -> None:
        changed = os.stat(self._directory).st_mtime_ns
        if changed != self._changed:
            self._names = NAMES.intersection(os.listdir(self._directory)) or _NO_NAMES
            # What changes again at once may get the same time stamp.
            self._changed = changed if time.time_ns() - changed > _SETTLED else _UNKNOWN
        self._looked = True

    def check(self) -> None:
        """Read them all, so that what is bad is told before it is needed."""
        if not self._bad and self._looked and self._names <= _PROGRAMS:
            return
        self.backoff()
        self.notification_fd()
        self.down_signal()
        self.timeout_kill()
        self.timeout_start_check()
        self.timeout_finish()
        self.leftovers()
        self.timeout_leftovers()
        self.watch()

    def backoff(self) -> Backoff:
        default = _BACKOFF
        if not self._bad and not self.has(b"backoff"):
            return default
        if self.has(b"backoff") and _is_no_directory(self._directory + b"backoff"):
            self._tell("backoff", f"{self._name}backoff is not a directory: it is ignored")
            return default
        self._good("backoff")
        return Backoff(
            self._read(b"backoff/first", _delay, default.first),
            self._read(b"backoff/max", _delay, default.max),
            self._read(b"backoff/reset", _seconds, default.reset),
        )

    def notification_fd(self) -> int | None:
        """As notification-fd of s6: a descriptor number above 2."""
        return self._read(b"notification-fd", _descriptor, None)

    def down_signal(self) -> int:
        """As down-signal of s6: a name, with or without SIG, or a number."""
        return self._read(b"down-signal", _signal, int(signal.SIGTERM))

    def timeout_kill(self) -> float | None:
        """Seconds (the file has milliseconds, as in s6); None: never."""
        return self._read(b"timeout-kill", _milliseconds, None) or None

    def timeout_start_check(self) -> float | None:
        """Seconds (the file has milliseconds, as those of s6); None: never."""
        return self._read(b"timeout-start-check", _milliseconds, 60.0) or None

    def timeout_finish(self) -> float | None:
        """Seconds (the file has milliseconds, as in s6); None: never."""
        return self._read(b"timeout-finish", _milliseconds, 5.0) or None

    def leftovers(self) -> str:
        return self._read(b"leftovers", _leftovers, "ignore")

    def timeout_leftovers(self) -> float:
        """Seconds (the file has milliseconds)."""
        return self._read(b"timeout-leftovers", _milliseconds, 0.0)

    def watch(self) -> list[bytes]:
        """The paths in `watch`, one a line; relative ones are meant from the service directory."""
        try:
            data = files.read(self._directory + b"watch", 65536) if self.has(b"watch") else b""
        except FileNotFoundError:
            data = b""
        except OSError as error:
            self._tell("watch", f"unable to read {self._name}watch: {_why(error)}")
            return []
        lines = [line.strip() for line in data.splitlines()]
        paths = [line for line in lines if line and b"\0" not in line]
        if len(paths) > MOST_WATCHED or b"\0" in data:
            self._tell(
                "watch",
                f"bad value in {self._name}watch: a path a line is wanted, at most {MOST_WATCHED};"
                " the rest is ignored",
            )
        else:
            self._good("watch")
        return [os.path.join(self._directory, path) for path in paths[:MOST_WATCHED]]

    def _read(self, name: bytes, meaning: Callable[[str], T], default: T) -> T:
        if not self._bad and b"/" not in name and not self.has(name):
            return default
        try:
            words = files.read(self._directory + name, 256).decode("ascii", "replace").split()
            word = words[0] if words else ""
            value = meaning(word)
        except FileNotFoundError:
            value = default
        except files.NotPlainError as error:
            return self._take(name, str(error), default, default)
        except OSError as error:
            before: T = self._before.get(name, default)
            return self._take(name, text(error), default, before)
        except ValueError as error:
            return self._take(name, f"{word[:_MOST_SHOWN]!a} {error}", default, default)
        self._good(name.decode())
        if value != self._before.get(name, default):
            self._before = self._before | {name: value}
        return value

    def _take(self, name: bytes, what: str, default: T, value: T) -> T:
        whence = "the default is taken" if value == default else "it stays as it was"
        shown = f"{value:g} seconds" if isinstance(value, float) else value or "none"
        knob = name.decode()
        self._tell(knob, f"bad value in {self._name}{knob}: {what}; {whence}: {shown}")
        return value

    def _tell(self, knob: str, line: str) -> None:
        self._bad |= {knob}
        self._complain(knob, line)

    def _good(self, knob: str) -> None:
        if knob in self._bad:
            self._bad -= {knob}
            self._mended(knob)


def _is_no_directory(path: bytes) -> bool:
    """Not what cannot be looked at just now."""
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        return not lacks_room(error)


def _why(error: OSError) -> str:
    return str(error) if isinstance(error, files.NotPlainError) else text(error)


def _seconds(word: str) -> float:
    value = float(word) if word.replace(".", "", 1).isdecimal() else -1.0
    if not 0 <= value < 1e9:
        raise ValueError("is not a number of seconds")
    return value


def _delay(word: str) -> float:
    value = _seconds(word)
    if value < LEAST_DELAY:
        raise ValueError(f"is less than {LEAST_DELAY} seconds")
    return value


def _milliseconds(word: str) -> float:
    if not word.isdecimal() or len(word) > 12:
        raise ValueError("is not a number of milliseconds")
    return int(word) / 1000


def _descriptor(word: str) -> int:
    if not word.isdecimal() or not 3 <= int(word) < 1024:
        raise ValueError("is not a descriptor number from 3 to 1023")
    return int(word)


def _signal(word: str) -> int:
    if word.isdecimal() and 1 <= int(word) < signal.NSIG:
        return int(word)
    name = word.upper().removeprefix("SIG")
    found = signal.Signals.__members__.get("SIG" + name)
    if found is None:
        raise ValueError("is not a signal")
    return int(found)


def _leftovers(word: str) -> str:
    if word not in LEFTOVERS:
        raise ValueError(f"is none of {', '.join(LEFTOVERS)}")
    return word
