"""File systems that may not answer, told by the kernel without asking them."""

import contextlib
import os
import select

_FOREIGN = frozenset(
    b"9p afs autofs ceph cifs fuse fuseblk gfs2 lustre nfs nfs4 ocfs2 orangefs smb3 smbfs".split()
)
"""Types whose answers come from elsewhere: another machine, or a program."""


class Mounts:
    """As of now: the kernel says when something was mounted, and only then is the list read."""

    def __init__(self) -> None:
        self._foreign: dict[bytes, bool] = {}
        self._fd = -1
        self._changes = select.poll()
        with contextlib.suppress(OSError):
            self._fd = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
            self._changes.register(self._fd, select.POLLPRI)
            self._read()

    def foreign(self, path: bytes) -> bytes:
        """Where the file system is mounted that this path leads into, by its letters, if it is a
        foreign one; else empty. Links in the midst of the path are not seen."""
        if self._fd >= 0 and self._changes.poll(0):
            self._read()
        if True not in self._foreign.values():
            return b""
        mount = self._mount(path)
        return mount if self._foreign.get(mount) else b""

    def _mount(self, path: bytes) -> bytes:
        while path not in self._foreign and path != b"/":
            path = os.path.dirname(path)
        return path

    def _read(self) -> None:
        os.lseek(self._fd, 0, os.SEEK_SET)
        with open(self._fd, "rb", closefd=False) as file:
            lines = file.read().splitlines()
        self._foreign = dict(_mount_of(line) for line in lines)


def _mount_of(line: bytes) -> tuple[bytes, bool]:
    """Where, and whether it is foreign; later lines lie over earlier ones. See proc(5)."""
    fields, _, rest = line.partition(b" - ")
    where = fields.split(b" ")[4]
    for code, letter in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        where = where.replace(code, letter)
    kind = rest.split(b" ")[0]
    return where, kind in _FOREIGN or kind.startswith(b"fuse.")
