"""The calls that change the disk: each names a folder by descriptor, so no link can slip into the way.

Everything that this package writes goes through here, which is how a test stops it after each single step.
All of them raise `OSError`; `Unsupported` is the one that says the system or the disk lacks the call.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import stat
import sys
from collections.abc import Callable
from typing import NamedTuple

__all__ = [
    "At",
    "Unsupported",
    "copy",
    "copy_metadata",
    "create",
    "exchange",
    "link",
    "mkdir",
    "rename",
    "rename_new",
    "rmdir",
    "sync_file",
    "sync_folder",
    "unlink",
]

_RENAME_NOREPLACE = 1  # Linux
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2  # macOS
_RENAME_EXCL = 4
_COPYFILE_ACL = 1
_COPYFILE_XATTR = 4

#: What systems answer for a rename flag that this kernel or this file system does not know.
_NO_SUCH_FLAG = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
#: What file systems without hard links answer.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
#: What file systems answer that cannot flush a directory.
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EISDIR})


class At(NamedTuple):
    """A name in an open directory."""

    fd: int
    name: str


class Unsupported(OSError):
    """The system or the file system lacks this call."""


def _flagged_rename() -> Callable[[At, At, int], None] | None:
    library = ctypes.CDLL(None, use_errno=True)
    name = "renameatx_np" if sys.platform == "darwin" else "renameat2"
    call = getattr(library, name, None)
    if call is None:
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    call.restype = ctypes.c_int

    def flagged(old: At, new: At, flags: int) -> None:
        if call(old.fd, os.fsencode(old.name), new.fd, os.fsencode(new.name), flags) != 0:
            number = ctypes.get_errno()
            kind = Unsupported if number in _NO_SUCH_FLAG else OSError
            raise kind(number, os.strerror(number), old.name, None, new.name)

    return flagged


_flagged = _flagged_rename()


def exchange(one: At, other: At) -> None:
    """Let two names swap what they name, in one step. Both must exist. Raises `Unsupported`."""
    if _flagged is None:
        raise Unsupported(errno.ENOSYS, "no exchanging rename", one.name)
    _flagged(one, other, _RENAME_SWAP if sys.platform == "darwin" else _RENAME_EXCHANGE)


def rename_new(old: At, new: At) -> None:
    """Rename a file or directory; raise `FileExistsError` where the new name is taken."""
    if _flagged is not None:
        try:
            _flagged(old, new, _RENAME_EXCL if sys.platform == "darwin" else _RENAME_NOREPLACE)
            return
        except Unsupported:
            pass  # older kernels and some network disks: the ways below
    if not stat.S_ISDIR(os.stat(old.name, dir_fd=old.fd, follow_symlinks=False).st_mode):
        try:
            link(old, new)
        except Unsupported:
            pass
        else:
            # A kill here leaves one file under two names; neither is lost, the next scan sees both.
            _unlink_same(old, new)
            return
    try:
        os.stat(new.name, dir_fd=new.fd, follow_symlinks=False)
    except FileNotFoundError:
        # RACE: a file made under the new name right now would be replaced. Only disks that know neither a
        # rename with flags nor hard links come here, and no call of theirs closes the gap.
        rename(old, new)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new.name)


def rename(old: At, new: At) -> None:
    """Rename, replacing what has the new name."""
    os.rename(old.name, new.name, src_dir_fd=old.fd, dst_dir_fd=new.fd)


def link(old: At, new: At) -> None:
    """Give a file a second name; raise `FileExistsError` or, without hard links, `Unsupported`."""
    try:
        os.link(old.name, new.name, src_dir_fd=old.fd, dst_dir_fd=new.fd, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LINKS:
            raise Unsupported(error.errno, error.strerror, old.name) from error
        raise


def _unlink_same(old: At, new: At) -> None:
    """Remove the first of two names of a file. Raises `BlockingIOError` where it names another by now."""
    try:
        first = os.stat(old.name, dir_fd=old.fd, follow_symlinks=False)
    except FileNotFoundError:
        return
    if first.st_ino != os.stat(new.name, dir_fd=new.fd, follow_symlinks=False).st_ino:
        raise BlockingIOError(errno.EAGAIN, "it was saved at this very moment", old.name)
    # RACE: a file that another program renames to this name right now is removed. Only disks come here that
    # can neither rename to a free name only nor exchange two names.
    unlink(old)


def unlink(at: At) -> None:
    os.unlink(at.name, dir_fd=at.fd)


def mkdir(at: At, mode: int = 0o777) -> None:
    os.mkdir(at.name, mode, dir_fd=at.fd)


def rmdir(at: At) -> None:
    os.rmdir(at.name, dir_fd=at.fd)


def create(at: At, mode: int = 0o666) -> int:
    """Make a new file and return its descriptor, for reading and writing."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(at.name, flags, mode, dir_fd=at.fd)


def copy(old: At, new: At) -> None:
    """Copy a file with its metadata to a new name, flushed. Killed, it leaves a part."""
    source = os.open(old.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=old.fd)
    try:
        target = create(new)
        try:
            with open(source, "rb", closefd=False) as reader, open(target, "wb", closefd=False) as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
            copy_metadata(source, target)
            status = os.fstat(source)
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
            sync_file(target)
        except BaseException:
            unlink(new)
            raise
        finally:
            os.close(target)
    finally:
        os.close(source)


def sync_file(fd: int) -> None:
    """Flush a file to the medium itself."""
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync alone stops at the drive's cache there
            return
        except OSError:
            pass  # a disk that does not know it
    os.fsync(fd)


def sync_folder(fd: int) -> None:
    """Flush the names in a directory, where the file system can."""
    try:
        sync_file(fd)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def copy_metadata(source: int, target: int) -> None:
    """Give a file the owner, mode and extended attributes of another, as far as the system lets us.

    Attributes that the target's disk or our rights refuse are left out: they must not stop content.
    """
    old, new = os.fstat(source), os.fstat(target)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.fchown(target, old.st_uid, old.st_gid)
        except OSError:
            pass  # not ours to give away
    try:
        os.fchmod(target, stat.S_IMODE(old.st_mode))
    except OSError:
        pass  # a disk without modes
    if sys.platform == "darwin":
        ctypes.CDLL(None).fcopyfile(source, target, None, _COPYFILE_ACL | _COPYFILE_XATTR)
        return
    try:
        names = os.listxattr(source)
    except OSError:
        return
    for name in names:
        try:
            os.setxattr(target, name, os.getxattr(source, name))
        except OSError:
            pass
