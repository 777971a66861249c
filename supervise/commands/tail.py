"""The last lines of keepalived's log, wherever that is."""

import os

_USUAL = ("/var/log/keepalived.log", "/var/log/messages", "/var/log/syslog")
_TAIL = 16384
"""Bytes at the end of a log that are looked at."""
_LINES = 5


def usual_logs(directory: str) -> tuple[str, ...]:
    """The service's own logger first."""
    return (os.path.join(directory, "log/main/current"), *_USUAL)


def last_lines(logs: tuple[str, ...]) -> list[str]:
    """The last that keepalived said, in the first of these files that has something of it."""
    for path in logs:
        try:
            with open(path, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        found = [line for line in lines if "eepalived" in line]
        if found:
            return found[-_LINES:]
    return []
