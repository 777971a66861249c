"""Why a program could not be started, in words that say what to mend."""

import errno
import os
import stat

from supervise.engine import files
from supervise.engine.spawn import WrongDirectoryError
from supervise.protocol.errors import text
from supervise.protocol.record import UNKNOWN


def failure(directory: bytes, program: bytes, error: Exception) -> str:
    """The classic text of the error, and what is behind it where that can be seen.

    :param program: its name in the directory.
    """
    if isinstance(error, WrongDirectoryError):
        return "its directory was replaced by another one"
    if not isinstance(error, OSError):
        return str(error)
    why = _behind(os.path.join(directory, program), error.errno)
    return f"{text(error)} ({why})" if why else text(error)


def ending(code: int) -> str:
    """How a program ended."""
    if code == UNKNOWN:
        return "ended unseen"
    return f"exit {code}" if code >= 0 else f"killed by signal {-code}"


def _behind(path: bytes, number: int | None) -> str:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return _dangling(path)
    if stat.S_ISDIR(mode):
        return "it is a directory"
    if not stat.S_ISREG(mode):
        return "it is not a plain file"
    if number == errno.ENOENT:
        return f"its interpreter is missing: {_interpreter(path)}"
    if number == errno.EACCES and not mode & 0o111:
        return "it is not executable: chmod +x"
    if number == errno.EACCES:
        return f"its interpreter may not be executed: {_interpreter(path)}"
    if number == errno.ENOEXEC:
        return "it is no program: does its first line begin with #! ?"
    if number in (errno.EAGAIN, errno.ENOMEM):
        return "no more processes can be had"
    return ""


def _dangling(path: bytes) -> str:
    try:
        return "it is a link to " + ascii(os.fsdecode(os.readlink(path)))
    except OSError:
        return ""


def _interpreter(path: bytes) -> str:
    """As the kernel takes it, a carriage return included."""
    try:
        first = files.read(path, 256).partition(b"\n")[0]
    except OSError:
        return "unknown"
    words = first[2:].replace(b"\t", b" ").strip(b" ").split(b" ")
    if not first.startswith(b"#!") or not words[0]:
        return "the dynamic loader that it names"
    shown = ascii(os.fsdecode(words[0]))
    return shown + ", for its lines end as those of DOS" if words[0].endswith(b"\r") else shown
