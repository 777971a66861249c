"""The service directory of a keepalived: which ones there are, and their settings in `env/`."""

import glob
import os

_MOST = 1 << 20
"""Bytes read of a file: a configuration is far smaller."""


def find(scan: str) -> list[str]:
    """The services of a scan directory whose `run` starts keepalived.

    :raises OSError: where the scan directory cannot be read.
    """
    names = sorted(name for name in os.listdir(scan) if not name.startswith("."))
    return [path for path in (os.path.join(scan, name) for name in names) if is_director(path)]


def is_director(directory: str) -> bool:
    """Whether its `run` mentions keepalived: it may be down, so its processes do not tell."""
    try:
        lines = _content(os.path.join(directory, "run")).splitlines()
    except OSError:
        return False
    return any("keepalived" in line.partition("#")[0].lower() for line in lines)


def setting(directory: str, name: str, default: str = "") -> str:
    """A file in `env/`, as `run` reads it: its first line; empty is unset."""
    try:
        lines = _content(os.path.join(directory, "env", name)).splitlines()
    except OSError:
        return default
    return (lines[0].strip() if lines else "") or default


def configuration_path(directory: str) -> str:
    return setting(directory, "CONFIGURATION", "/etc/keepalived/keepalived.conf")


def checked_version(directory: str) -> str:
    """Of keepalived, as start-check found it; empty where that is not known."""
    try:
        lines = _content(os.path.join(directory, "supervise/checked")).splitlines()
    except OSError:
        return ""
    return next((line[8:].strip() for line in lines if line.startswith("version ")), "")


def read(pattern: str) -> list[tuple[str, str]]:
    """The files that a path or a pattern means, and their texts. A pattern may mean none.

    :raises OSError: where one cannot be read, or there is none of this name.
    """
    if os.path.exists(pattern) or not any(sign in pattern for sign in "*?[{"):
        paths = {pattern}
    else:
        paths = {path for one in _without_braces(pattern) for path in glob.glob(one)}
    return [(path, _content(path)) for path in sorted(paths) if not os.path.isdir(path)]


def _without_braces(pattern: str) -> list[str]:
    """{a,b} is known to keepalived, and not to Python's glob."""
    before, _, rest = pattern.partition("{")
    inside, closed, after = rest.partition("}")
    if not closed:
        return [pattern]
    return [one for word in inside.split(",") for one in _without_braces(before + word + after)]


def _content(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(_MOST)


def loaded_mark(directory: str) -> str:
    """A file whose time is when `director reload` had the configuration read again."""
    return os.path.join(directory, "supervise", "reloaded")


def mark_loaded(directory: str) -> None:
    """:raises OSError: where the file cannot be written."""
    path = loaded_mark(directory)
    with open(path, "a"):
        os.utime(path)


def supervisor(directory: str) -> int | None:
    """The process that supervises it, by its lock; None where there is none that we can see."""
    try:
        found = os.stat(os.path.join(directory, "supervise", "lock"))
        with open("/proc/locks", encoding="ascii") as file:
            lines = [line.split() for line in file]
    except OSError:
        return None
    major, minor = os.major(found.st_dev), os.minor(found.st_dev)
    wanted = f"{major:02x}:{minor:02x}:{found.st_ino}"
    for words in lines:
        if words[1] == "FLOCK" and words[5] == wanted and os.path.exists(f"/proc/{words[4]}/ns"):
            return int(words[4])
    return None
