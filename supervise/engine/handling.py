"""What we have in hand, noted on disk, so that what ends one supervisor after the other is known.

A fault that Python tells of is caught. What it cannot tell of, a hang that a watchdog ends, a crash
of the interpreter, no memory left, ends us, and would end the next one who meets the same service.
"""

import contextlib
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterator

from supervise.engine.checked import Identity

_SIZE = 96
_NOTHING = b"-".ljust(_SIZE - 1) + b"\n"
_LOOKING = b"a name in the scan directory, since"
_HANGS = 2.0
"""Seconds after which to look at a name is called hanging."""

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def _line(note: bytes) -> bytes:
    return b"%-*.*b\n" % (_SIZE - 1, _SIZE - 1, note)


class Handling:
    """Two lines of fixed size, each overwritten in place by one write: what is in hand now, and
    what was in hand when the last supervisor died, until we have done well what it was at. Until
    it is opened nothing is noted.

    :param soon: calls what can wait a little. That nothing is in hand any more is noted then.
    """

    def __init__(self, boot: bytes, soon: Callable[[Callable[[], None]], None]) -> None:
        self._soon = soon
        self._boot = boot[:4].hex().encode()
        self._fd = -1
        self._now = self._written = _NOTHING
        self._resting = False
        self._last = self._blamed = b""

    def open(self, path: bytes, upgraded: bool) -> None:
        """Read what the last ones had in hand. An upgrade in place is nobody's death."""
        if self._fd >= 0:
            self._close()
        with contextlib.suppress(OSError):
            self._fd = os.open(path, _FLAGS, 0o600)
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                self._close()
                return
            last, before = os.pread(self._fd, _SIZE, 0), os.pread(self._fd, _SIZE, _SIZE)
            if upgraded:
                os.pwrite(self._fd, _NOTHING, 0)
                return
            last = self._telling(last)
            if last == before != _NOTHING:
                self._blamed = last
            self._last = last
            os.pwrite(self._fd, _NOTHING + last, 0)

    def about(self, identity: Identity) -> bytes:
        """What all notes of this service begin with."""
        return self._boot + b" %d-%d " % identity

    def of_name(self, name: bytes) -> bytes:
        """The note that it is looked at what a name stands for. It is only blamed where that hangs,
        so since when is noted too."""
        return self._boot + b" " + self._named(name) + b" %d" % time.monotonic()

    def _named(self, name: bytes) -> bytes:
        return b"%08x %s" % (zlib.crc32(name), _LOOKING)

    def _telling(self, last: bytes) -> bytes:
        """The last note of our predecessor, as far as it tells anything."""
        if not last.startswith(self._boot + b" "):
            return _NOTHING
        text, looking, since = last.partition(_LOOKING)
        if not looking:
            return last
        try:
            hung = time.monotonic() - int(since) >= _HANGS
        except ValueError:
            hung = False
        return _line(text + looking) if hung else _NOTHING

    def enter(self, note: bytes) -> bytes:
        """From here on this is in hand; what was before, for `leave`."""
        before, self._now = self._now, note
        self._write()
        return before

    @contextlib.contextmanager
    def in_hand(self, note: bytes) -> Iterator[None]:
        before = self.enter(note)
        try:
            yield
        finally:
            self.leave(before)
        self.well(note)

    @property
    def now(self) -> bytes:
        """What is in hand."""
        return self._now

    def leave(self, before: bytes = _NOTHING) -> None:
        self._now = before
        if before != _NOTHING:
            self._write()
        elif not self._resting:
            self._resting = True
            self._soon(self._rest)

    def _rest(self) -> None:
        self._resting = False
        self._write()

    def _write(self) -> None:
        if self._now != self._written:
            self._written = self._now
            self._put(_line(self._now), 0)

    def _put(self, text: bytes, at: int) -> None:
        if self._fd >= 0:
            try:
                os.pwrite(self._fd, text, at)
            except OSError:
                self._close()

    def suspects(self, subject: bytes) -> bool:
        """Whether what begins so was in hand when the last supervisor died."""
        return self._last.startswith(subject)

    def well(self, subject: bytes) -> None:
        """What begins so has gone well: whoever died at it did so by chance.

        :param subject: a note, or the part of it that names the service.
        """
        if self._last.startswith(subject):
            self._last = b""
            self._put(_NOTHING, _SIZE)

    def blames(self, name: bytes) -> bool:
        """Whether two supervisors in a row were ended when they hung at this name."""
        return self._blamed == _line(self._boot + b" " + self._named(name))

    def blamed_step(self, identity: Identity) -> str:
        """At which step of this service two in a row died; empty: at none."""
        about = self.about(identity)
        if not self._blamed.startswith(about):
            return ""
        return self._blamed[len(about) :].strip().decode()

    def forgive(self) -> None:
        """Somebody wants it tried again."""
        self._blamed = b""

    def _close(self) -> None:
        os.close(self._fd)
        self._fd = -1
