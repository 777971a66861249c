"""Which service directories are taken up at all."""

import os
import resource
import stat

from supervise.engine.checked import UnusableError

_SPARE = 64
"""Descriptors that we keep for ourselves: what is opened and closed while services are served."""


def check(name: str, found: os.stat_result) -> None:
    """:raises UnusableError: where this directory would let a stranger be us, or there are no
    descriptors left for it."""
    if found.st_mode & stat.S_IWOTH:
        raise UnusableError(f"{name} can be written by everybody: chmod o-w")
    if _next_descriptor() + _SPARE > resource.getrlimit(resource.RLIMIT_NOFILE)[0]:
        raise UnusableError(
            f"{name} is not supervised: too many open files, raise the limit (ulimit -n)"
        )


def trusted(found: os.stat_result) -> bool:
    """Whether only root and we can write it."""
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & stat.S_IWGRP


def _next_descriptor() -> int:
    """The kernel gives the lowest number that is free, so this is about how many are open."""
    try:
        fd = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 1 << 31
    os.close(fd)
    return fd
