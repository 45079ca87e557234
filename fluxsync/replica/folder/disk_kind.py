"""On what kind of disk does the folder lie: do changes made by other machines raise events here?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["local_by_mount", "needs_polling", "type_by_mountinfo"]

#: File systems that other machines (or the host of this one) change behind the kernel's back.
_SHARED = {
    "9p": "a share of the host",
    "acfs": "a cluster disk",
    "afs": "a network disk (AFS)",
    "beegfs": "a cluster disk",
    "ceph": "a cluster disk",
    "cifs": "a network disk (SMB)",
    "coda": "a network disk",
    "drvfs": "a disk of the Windows host",
    "gfs2": "a cluster disk",
    "glusterfs": "a cluster disk",
    "gpfs": "a cluster disk",
    "kafs": "a network disk (AFS)",
    "lustre": "a cluster disk",
    "ncpfs": "a network disk",
    "nfs": "a network disk (NFS)",
    "nfs4": "a network disk (NFS)",
    "ocfs2": "a cluster disk",
    "orangefs": "a cluster disk",
    "prl_fs": "a folder shared by the virtual machine's host",
    "smb3": "a network disk (SMB)",
    "smbfs": "a network disk (SMB)",
    "vboxsf": "a folder shared by the virtual machine's host",
    "virtiofs": "a folder shared by the virtual machine's host",
    "vmhgfs": "a folder shared by the virtual machine's host",
}
#: Of those that run as programs (FUSE) most reach elsewhere; these do not.
_LOCAL_PROGRAMS = frozenset(
    {
        "apfs-fuse",
        "bindfs",
        "cryfs",
        "encfs",
        "exfat",
        "ext2",
        "fuse-ext2",
        "fuse-overlayfs",
        "gocryptfs",
        "mergerfs",
        "ntfs",
        "ntfs-3g",
        "securefs",
        "unionfs",
        "veracrypt",
        "zfs",
    }
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


def needs_polling(root: Path) -> str | None:
    """Return why the root may change without an event, None where no reason for that is known.

    The reason reads on from "it lies on ...". A root that is not there has none.
    """
    path = os.path.realpath(root)
    if sys.platform == "linux":
        try:
            text = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
        except OSError:
            return None
        return _reason(type_by_mountinfo(path, text))
    if sys.platform == "darwin":
        try:
            ran = subprocess.run(["/sbin/mount"], capture_output=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return local_by_mount(path, os.fsdecode(ran.stdout))
    return None


def type_by_mountinfo(path: str, mountinfo: str) -> str:
    """Return the type of the file system that holds an absolute path, "" where none is found.

    `mountinfo` is the text of /proc/self/mountinfo; of two on one place the later one hides the other.
    """
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        fields, separator, rest = line.partition(" - ")
        parts = fields.split(" ")
        if not separator or len(parts) < 5:
            continue
        place = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), parts[4])
        if len(place) >= best and _holds(place, path):
            best, kind = len(place), rest.split(" ", 1)[0]
    return kind


def local_by_mount(path: str, mounts: str) -> str | None:
    """Return why the disk that holds an absolute path is not local, by what macOS's `mount` prints."""
    best, reason = -1, None
    for line in mounts.splitlines():
        before, opening, listed = line.rpartition(" (")
        place = before.partition(" on ")[2]
        if not opening or len(place) < best or not _holds(place, path):
            continue
        options = listed.rstrip(")").split(", ")
        best = len(place)
        reason = None if "local" in options else _reason(options[0]) or f"a disk elsewhere ({options[0]})"
    return reason


def _reason(kind: str) -> str | None:
    if kind in _SHARED:
        return _SHARED[kind]
    family, _, program = kind.partition(".")
    if family == "fuse" and program not in _LOCAL_PROGRAMS:
        return f"a disk that a program provides ({program or 'fuse'})"
    return None


def _holds(place: str, path: str) -> bool:
    return place == "/" or path == place or path.startswith(place + "/")
