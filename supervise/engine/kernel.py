"""The few calls of Linux that Python does not have, through ctypes."""

import contextlib
import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Collection

from supervise.protocol.record import UNKNOWN

_libc = ctypes.CDLL(None, use_errno=True)

_CLONE_FILES = 0x400
_PR_SET_CHILD_SUBREAPER = 36
_SFD_FLAGS = os.O_CLOEXEC | os.O_NONBLOCK
_SIGSET_SIZE = 128

_SPLICE_F_NONBLOCK = 2

_PIDFD_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, struct pidfd_info) with its first size, 64 bytes
_PIDFD_INFO_EXIT = 8
_INFO_SIZE = 64
_EXIT_CODE_AT = 60


def become_subreaper() -> None:
    """Let orphans of our services come to us instead of to pid 1."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def own_descriptors(kept: Collection[int]) -> None:
    """Give the calling thread a descriptor table of its own, with `kept` and what is inherited by
    those that it starts. Where the system does not allow that, as in some containers, the thread
    goes on with ours.
    """
    if _libc.unshare(_CLONE_FILES):
        return
    for fd in map(int, os.listdir("/proc/thread-self/fd")):
        with contextlib.suppress(OSError):
            if fd not in kept and not os.get_inheritable(fd):
                os.close(fd)


def next_descriptor() -> int:
    """The lowest number that is free, so about how many are open; a huge one where none is free."""
    try:
        fd = os.dup(0)
    except OSError:
        return 1 << 31
    os.close(fd)
    return fd


def signal_descriptor(signals: set[int]) -> int:
    """A descriptor that reads these signals, which the caller has blocked."""
    mask = sum(1 << (number - 1) for number in signals)
    fd: int = _libc.signalfd(-1, mask.to_bytes(_SIGSET_SIZE, "little"), _SFD_FLAGS)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "signalfd")
    return fd


def signals_read(fd: int) -> list[int]:
    """The numbers of the signals that are pending on the descriptor."""
    size = 128
    try:
        data = os.read(fd, 32 * size)
    except BlockingIOError:
        return []
    return [struct.unpack_from("<I", data, at)[0] for at in range(0, len(data), size)]


def peek(fd: int, size: int) -> bytes:
    """What lies in a pipe, without taking it out; empty where nothing does."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        found = _libc.tee(fd, writing, ctypes.c_size_t(size), _SPLICE_F_NONBLOCK)
        if found < 0 and ctypes.get_errno() != errno.EAGAIN:
            raise OSError(ctypes.get_errno(), "tee")
        return os.read(reading, found) if found > 0 else b""
    finally:
        os.close(reading)
        os.close(writing)


def exit_status(pidfd: int) -> int:
    """How a process ended that is not our child and has been reaped: its exit code, or the
    negative number of the signal. UNKNOWN before Linux 6.15, or where it is not reaped yet.
    """
    info = bytearray(_INFO_SIZE)
    struct.pack_into("<Q", info, 0, _PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(pidfd, _PIDFD_GET_INFO, info)
    except OSError:
        return UNKNOWN
    if not struct.unpack_from("<Q", info)[0] & _PIDFD_INFO_EXIT:
        return UNKNOWN
    return os.waitstatus_to_exitcode(struct.unpack_from("<i", info, _EXIT_CODE_AT)[0])
