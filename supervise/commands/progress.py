"""One line on a terminal, redrawn in place, that says what is still waited for."""

import os
from collections.abc import Iterator

from supervise.commands import plain
from supervise.commands.view import View


class Progress:
    """Silent where standard error is no terminal."""

    def __init__(self, program: bytes) -> None:
        self._program = program
        self._line = b""
        self._terminal = os.isatty(plain.ERR)

    def show(self, count: int, waited_for: Iterator[tuple[bytes, View]]) -> None:
        if self._terminal:
            line = self._compose(count, waited_for)
            if line != self._line:
                self._write(line)
                self._line = line

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self._line:
            self._write(b"")
            self._line = b""

    def _compose(self, count: int, waited_for: Iterator[tuple[bytes, View]]) -> bytes:
        """As much as one line holds, less the last column: some terminals break after it."""
        width = (os.get_terminal_size(plain.ERR).columns or 80) - 1
        line = b"%s: waiting for %d: " % (self._program, count)
        for directory, now in waited_for:
            line += b"%s (%s) " % (directory, os.fsencode(now.summary))
            if len(line) > width:
                break
        return bytes(byte if 32 <= byte != 127 else 63 for byte in line[:width])

    def _write(self, line: bytes) -> None:
        try:
            os.write(plain.ERR, b"\r" + line + b"\x1b[K")
        except OSError:
            self._terminal = False
