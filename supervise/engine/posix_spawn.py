"""posix_spawn of the C library, which can enter a directory and lets other threads go on: Python's
own does neither."""

import ctypes
import os
from collections.abc import Collection, Sequence
from functools import lru_cache

FileAction = tuple[int, int, bytes, int, int] | tuple[int, int, int] | tuple[int, int]
"""As those of os.posix_spawn."""

_libc = ctypes.CDLL(None)
_Room = ctypes.c_char * 512
"""For the attributes and for the file actions: the C libraries need 336 and 80 bytes."""

_REMEMBERED = 16
"""Of what is the same at most restarts."""

_SETSIGDEF, _SETSIGMASK, _SETSID = 0x04, 0x08, 0x80
_SIGSET_SIZE = 128

_number, _pointer, _string = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
_init = _libc.posix_spawn_file_actions_init
_destroy = _libc.posix_spawn_file_actions_destroy
_enter = _libc.posix_spawn_file_actions_addfchdir_np
_spawn = _libc.posix_spawn
_ADD = {
    os.POSIX_SPAWN_OPEN: _libc.posix_spawn_file_actions_addopen,
    os.POSIX_SPAWN_DUP2: _libc.posix_spawn_file_actions_adddup2,
    os.POSIX_SPAWN_CLOSE: _libc.posix_spawn_file_actions_addclose,
}
_init.argtypes = _destroy.argtypes = [_pointer]
_enter.argtypes = [_pointer, _number]
_spawn.argtypes = [_pointer, _string, _pointer, _pointer, _pointer, _pointer]
_ADD[os.POSIX_SPAWN_OPEN].argtypes = [_pointer, _number, _string, _number, _number]
_ADD[os.POSIX_SPAWN_DUP2].argtypes = [_pointer, _number, _number]
_ADD[os.POSIX_SPAWN_CLOSE].argtypes = [_pointer, _number]


_Strings = ctypes.Array[ctypes.c_char_p]


class Manner:
    """How all are started: in a session of their own, no signal blocked, these signals at their
    defaults, with this environment and one more variable."""

    def __init__(self, defaults: Collection[int], environment: Sequence[bytes]) -> None:
        self._environment = _strings((*environment, b""))
        self.room = _Room()
        mask = sum(1 << (number - 1) for number in defaults)
        _libc.posix_spawnattr_init(self.room)
        _libc.posix_spawnattr_setsigdefault(self.room, mask.to_bytes(_SIGSET_SIZE, "little"))
        _libc.posix_spawnattr_setsigmask(self.room, bytes(_SIGSET_SIZE))
        flags = ctypes.c_short(_SETSIGDEF | _SETSIGMASK | _SETSID)
        _libc.posix_spawnattr_setflags(self.room, flags)

    def environment(self, variable: bytes) -> "_Strings":
        copy = type(self._environment).from_buffer_copy(self._environment)
        copy[-2] = variable
        return copy


class _Actions:
    """What the new process does with its descriptors before it executes."""

    __slots__ = ("room",)

    def __init__(self, directory: int, files: Sequence[FileAction]) -> None:
        self.room = _Room()
        _init(self.room)
        _enter(self.room, directory)
        for kind, *values in files:
            _ADD[kind](self.room, *values)

    def __del__(self) -> None:
        _destroy(self.room)


def spawn(
    directory: int,
    command: tuple[bytes, ...],
    variable: bytes,
    files: Sequence[FileAction],
    manner: Manner,
) -> int:
    """Start `command` in `directory`, a descriptor; its pid.

    :raises OSError: where it cannot be started.
    """
    actions = _Actions(directory, files) if files else _only_entering(directory)
    arguments, variables = _strings(command), manner.environment(variable)
    pid = ctypes.c_int()
    error = _spawn(ctypes.byref(pid), command[0], actions.room, manner.room, arguments, variables)
    if error:
        raise OSError(error, os.strerror(error))
    return pid.value


@lru_cache(_REMEMBERED)
def _only_entering(directory: int) -> _Actions:
    """Most restarts need just this, and mostly with the same lowest number that is free."""
    return _Actions(directory, ())


@lru_cache(_REMEMBERED)
def _strings(values: tuple[bytes, ...]) -> "_Strings":
    """An array that ends with a null pointer, as argv."""
    return (_string * (len(values) + 1))(*values)
