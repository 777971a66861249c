"""Which directories are taken up at all: who else can write them, and is there room."""

import os
import resource
import stat
from collections.abc import Callable

from supervise.engine import kernel
from supervise.engine.checked import Identity, UnusableError, identity

_SPARE = 64
"""Descriptors that we keep for ourselves: what is opened and closed while services are served."""


class Admission:
    """Whoever can write a directory of services, or of one service, decides what runs as us.

    :param say: told program and text of a warning.
    """

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self._say = say
        self._named: set[Identity] = set()

    def check(self, program: str, shown: str, found: os.stat_result) -> None:
        """Name it, once, where others than root and we can write it.

        :raises UnusableError: where everybody can.
        """
        if found.st_mode & stat.S_IWOTH:
            raise UnusableError(f"{shown} can be written by everybody: chmod o-w")
        trusted = found.st_uid in (0, os.geteuid()) and not found.st_mode & stat.S_IWGRP
        if not trusted and identity(found) not in self._named:
            self._named.add(identity(found))
            self._say(program, f"warning: {shown} can be written by others than root")


def check_room(shown: str) -> None:
    """:raises UnusableError: where there are no descriptors left for one more service."""
    if kernel.next_descriptor() + _SPARE > resource.getrlimit(resource.RLIMIT_NOFILE)[0]:
        raise UnusableError(
            f"{shown} is not supervised: too many open files, raise the limit (ulimit -n)"
        )
