"""Signals, read from a descriptor like everything else that happens."""

import os
import signal
from collections.abc import Callable

from supervise.engine import kernel
from supervise.engine.host import Host


def serve(host: Host, handlers: dict[int, Callable[[], None]]) -> None:
    """Call a handler for each of these signals, and reap children on CHLD.

    CHLD may have been inherited as ignored, and then the kernel keeps no exit status. After an
    upgrade in place all signals are blocked, and what came meanwhile is pending.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    served = {int(signal.SIGCHLD): host.children.reap, **handlers}
    for number in handlers:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, served)
    fd = kernel.signal_descriptor(set(served))
    host.loop.add(fd, lambda _: _dispatch(fd, served, host.children.reap_one))
    kernel.become_subreaper()


def _dispatch(fd: int, served: dict[int, Callable[[], None]], reap_one: Callable[[], bool]) -> None:
    """A child that died is what cannot wait, not even until it is read that one did."""
    reap_one()
    for number in kernel.signals_read(fd):
        served[number]()


def open_standard_descriptors() -> None:
    """So that no file of ours, and no file of a service, gets the number 0, 1 or 2."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open("/dev/null", os.O_RDWR)
            os.set_inheritable(fd, True)
