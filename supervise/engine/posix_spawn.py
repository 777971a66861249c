"""posix_spawn of the C library, which can enter a directory and lets other threads go on: Python's
own does neither."""

import ctypes
import os
from collections.abc import Iterable, Sequence

FileAction = tuple[int, int, bytes, int, int] | tuple[int, int, int] | tuple[int, int]
"""As those of os.posix_spawn."""

_libc = ctypes.CDLL(None)
_Room = ctypes.c_char * 512
"""For the attributes and for the file actions: the C libraries need 336 and 80 bytes."""

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

    def __init__(self, defaults: Iterable[int], environment: Sequence[bytes]) -> None:
        self._environment = _strings([*environment, b""])
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


def spawn(
    directory: int,
    command: Sequence[bytes],
    variable: bytes,
    files: Iterable[FileAction],
    manner: Manner,
) -> int:
    """Start `command` in `directory`, a descriptor; its pid.

    :raises OSError: where it cannot be started.
    """
    actions = _Room()
    _init(actions)
    try:
        _enter(actions, directory)
        for kind, *values in files:
            _ADD[kind](actions, *values)
        pid = ctypes.c_int()
        arguments, variables = _strings(command), manner.environment(variable)
        error = _spawn(ctypes.byref(pid), command[0], actions, manner.room, arguments, variables)
    finally:
        _destroy(actions)
    if error:
        raise OSError(error, os.strerror(error))
    return pid.value


def _strings(values: Sequence[bytes]) -> "_Strings":
    """An array that ends with a null pointer, as argv."""
    return (_string * (len(values) + 1))(*values)
