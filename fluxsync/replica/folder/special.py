"""What lies in a folder and is neither a file nor a folder, in words."""

from __future__ import annotations

import stat

__all__ = ["what_it_is"]

_WORDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def what_it_is(mode: int) -> str:
    return _WORDS.get(stat.S_IFMT(mode), "no regular file")
