"""Error texts to the letter as the classic programs print them (error_str.c of 0.76)."""

from errno import (
    E2BIG,
    EACCES,
    EAGAIN,
    EBUSY,
    EEXIST,
    EFBIG,
    EINVAL,
    EIO,
    EISDIR,
    ELOOP,
    EMFILE,
    EMLINK,
    ENAMETOOLONG,
    ENFILE,
    ENODEV,
    ENOENT,
    ENOEXEC,
    ENOMEM,
    ENOSPC,
    ENOTDIR,
    ENXIO,
    EPERM,
    EPIPE,
    EROFS,
    ESTALE,
    ETXTBSY,
)
from os import strerror

_TEXTS = {
    E2BIG: "argument list too long",
    EACCES: "access denied",
    EAGAIN: "temporary failure",
    EBUSY: "device busy",
    EEXIST: "file already exists",
    EFBIG: "file too big",
    EINVAL: "invalid argument",
    EIO: "input/output error",
    EISDIR: "is a directory",
    ELOOP: "symbolic link loop",
    EMFILE: "process cannot open more files",
    EMLINK: "too many links",
    ENAMETOOLONG: "file name too long",
    ENFILE: "system cannot open more files",
    ENODEV: "device does not support operation",
    ENOENT: "file does not exist",
    ENOEXEC: "exec format error",
    ENOMEM: "out of memory",
    ENOSPC: "out of disk space",
    ENOTDIR: "not a directory",
    ENXIO: "device not configured",
    EPERM: "permission denied",
    EPIPE: "broken pipe",
    EROFS: "read-only file system",
    ESTALE: "stale NFS file handle",
    ETXTBSY: "text busy",
}


def text(error: OSError) -> str:
    """What the classic programs call this error."""
    number = error.errno or 0
    return _TEXTS.get(number) or (error.strerror or strerror(number)).lower()
