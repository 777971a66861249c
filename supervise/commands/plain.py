"""How a client behaves as a process: it writes whole, dies quietly, and imports next to nothing.

Ctrl-C and a closed pipe end a C program without a word, where Python would print a traceback. The
module `signal` costs 6 ms, `_signal` below it is built in.
"""

import _signal  # type: ignore[import-not-found]  # built in, and typeshed does not know it
import os

OUT, ERR = 1, 2

USAGE = 100
"""Wrong usage, as the classic programs say it; `svok` and `svup` also mean "no" by it."""
TROUBLE = 111
"""The system refused."""
LATE = 99
"""What was waited for did not happen in time (as s6)."""
UNSUPERVISED = 102
"""Nobody supervises (as s6)."""


def begin() -> None:
    """Die of Ctrl-C as a C program does, unless whoever started us wanted it ignored."""
    if _signal.getsignal(_signal.SIGINT) != _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def end(code: int) -> None:
    """Exit without taking the interpreter apart: nothing is buffered, and it saves 1.4 ms."""
    os._exit(code)


def write(data: bytes) -> None:
    """Write all of it to standard output; die of SIGPIPE where nobody reads.

    Other errors are passed over: the classic clients exit 0 on a full disk or a closed output.
    """
    try:
        while data:
            data = data[_write_some(data) :]
    except BrokenPipeError:
        _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
        os.kill(os.getpid(), _signal.SIGPIPE)
    except OSError:
        pass


def _write_some(data: bytes) -> int:
    try:
        return os.write(OUT, data)
    except BlockingIOError:
        from select import POLLOUT, poll

        room = poll()
        room.register(OUT, POLLOUT)
        room.poll()
        return 0


def complain(line: bytes) -> None:
    """One line on standard error, in one write so that those of several processes do not mix."""
    try:
        os.write(ERR, line + b"\n")
    except OSError:
        pass


def because(error: OSError) -> bytes:
    """The classic text of an error."""
    from supervise.protocol.errors import text

    return text(error).encode()


def long_option(program: str, help_text: bytes, option: str) -> int:
    """Serve `--help` and `--version`, which every client knows; refuse any other."""
    if option == "--help":
        write(help_text)
        return 0
    if option == "--version":
        from importlib.metadata import version

        write(f"{program}, of supervise {version('supervise')}\n".encode())
        return 0
    return refuse(program, f"unknown option {option}")


def on_trial(words: list[str]) -> tuple[str, list[str]]:
    """The descriptor of a hand-over, where a daemon is only tried, else nothing; and the words
    that the user gave."""
    from supervise.protocol.handover import TRIAL

    if words and words[0].startswith(TRIAL):
        return words[0][len(TRIAL) :], words[1:]
    return "", words


def refuse(program: str, why: str) -> int:
    """One line that says what is wrong with the call."""
    complain(os.fsencode(f"{program}: usage: {why} (see {program} --help)"))
    return USAGE
