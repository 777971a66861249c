"""Being in a network namespace, one thread at a time: a socket stays in the one it was made in."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000
OWN = ""  # the namespace that the box booted in: the first director's
_libc = ctypes.CDLL(None, use_errno=True)
_own = os.open("/proc/self/ns/net", os.O_RDONLY)


def enter(name: str) -> None:
    """Move this thread into the namespace that `ip netns add` made under this name."""
    descriptor = _own if name == OWN else os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if _libc.setns(descriptor, CLONE_NEWNET):  # os.setns is new in Python 3.12
            raise OSError(ctypes.get_errno(), f"setns: {name}")
    finally:
        if descriptor != _own:
            os.close(descriptor)


@contextmanager
def namespace(name: str) -> Iterator[None]:
    """This thread is in that namespace meanwhile."""
    enter(name)
    try:
        yield
    finally:
        enter(OWN)
