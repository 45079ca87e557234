"""Gives every remote item its path on this disk.

Names from the account are hostile until shown otherwise: what a disk cannot hold, or what means something to
it, is percent-encoded; what the disk cannot tell from its neighbour gets its id. The choice is sticky:
whoever has the plain name on this disk keeps it, so a machine's view never changes without a reason.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field

from fluxsync.core.model import NameRules
from fluxsync.core.paths import join, nfc, splitext

__all__ = ["Names", "disk_name", "disk_path", "fold", "is_name_of", "key_order", "newer", "plain_id"]

_OWN_FOLDER = ".fluxsync"
_HOP = " (moving "


def disk_name(name: str, rules: NameRules) -> str:
    """Return a true name as one part of a path that this disk holds and that never leads elsewhere."""
    escape = {i for i, c in enumerate(name) if c == "/" or c in rules.forbidden or _is_control(c)}
    if name in (".", ".."):
        escape.update(range(len(name)))
    elif name.casefold() == _OWN_FOLDER or (rules.reserved and _stem(name) in rules.reserved):
        escape.add(0)
    elif rules.trims_end and name.endswith((".", " ")):
        escape.add(len(name) - 1)
    if escape:
        name = "".join(_percent(c) if i in escape else c for i, c in enumerate(name))
    return _shortened(name, rules.max_name_bytes) if name else "%"


def disk_path(true_path: str, rules: NameRules) -> str:
    """Return a folder's true path as a path on this disk, part by part."""
    return "/".join(disk_name(part, rules) for part in true_path.split("/"))


def fold(path: str, rules: NameRules) -> str:
    """Return what two paths have in common when this disk cannot tell them apart."""
    if not rules.form_sensitive:
        path = nfc(path)
    if not rules.case_sensitive:
        path = nfc(path.casefold())
    return path


def plain_id(key: str) -> str:
    """Return the part of an opaque key that people see in a suffix."""
    return key.partition("@")[0]


def newer(key: str, other: str) -> bool:
    """Tell whether a key was given out after another one."""
    return key_order(key) > key_order(other)


def key_order(key: str) -> tuple[int, str]:
    """Return what sorts keys in the order in which they were given out."""
    digits = plain_id(key)
    return (int(digits) if digits.isascii() and digits.isdigit() else 0, key)


def _is_control(c: str) -> bool:
    return unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")


def _percent(c: str) -> str:
    return "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogatepass"))


def _stem(name: str) -> str:
    return name.partition(".")[0].rstrip(" ").casefold()


def _shortened(name: str, max_bytes: int) -> str:
    """Cut a name that is too long, marked by its hash so that equal beginnings stay apart."""
    if len(name.encode("utf-8", "surrogatepass")) <= max_bytes:
        return name
    mark = "%" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    stem, extension = splitext(name)
    if len(extension.encode("utf-8", "surrogatepass")) > 32:
        stem, extension = name, ""
    room = max_bytes - len(mark) - len(extension.encode("utf-8", "surrogatepass"))
    return stem.encode("utf-8", "surrogatepass")[:room].decode("utf-8", "ignore") + mark + extension


def _suffixed(name: str, label: str, rules: NameRules) -> str:
    stem, extension = splitext(name)
    room = rules.max_name_bytes - len(f" ({label}){extension}".encode("utf-8", "surrogatepass"))
    stem = stem.encode("utf-8", "surrogatepass")[:room].decode("utf-8", "ignore")
    return f"{stem} ({label}){extension}"


def is_name_of(name: str, true_name: str, key: str, rules: NameRules) -> bool:
    """Tell whether a name on this disk stands for a true name, plain or with its id."""
    if name == true_name:
        return True
    plain = disk_name(true_name, rules)
    if nfc(name) == nfc(plain) or fold(name, rules) == fold(plain, rules):
        return True
    stem, extension = splitext(plain)
    tail = name.rpartition(f" ({plain_id(key)}")
    return bool(tail[1]) and nfc(stem).startswith(nfc(tail[0])) and name.endswith(f"){extension}")


def hop_name(name: str, number: int) -> str:
    """Return what a file is called while it makes room for another."""
    stem, extension = splitext(name)
    return f"{stem}{_HOP}{number}){extension}"


def without_hop(name: str) -> str:
    """Return the name of a file that made room, or any other name as it is."""
    stem, extension = splitext(name)
    return stem.rpartition(_HOP)[0] + extension if _HOP in stem else name


@dataclass(slots=True)
class Names:
    """The names that are taken on this disk, and by whom."""

    rules: NameRules
    _owners: dict[str, str] = field(default_factory=dict)

    def take(self, path: str, owner: str) -> bool:
        """Take a path for an owner; False when another has it."""
        return self._owners.setdefault(fold(path, self.rules), owner) == owner

    def owner(self, path: str) -> str | None:
        return self._owners.get(fold(path, self.rules))

    def hand_over(self, path: str, owner: str) -> None:
        """Give a taken path to another owner, who shares it with the first."""
        self._owners[fold(path, self.rules)] = owner

    def labelled(self, folder: str, name: str, label: str) -> str:
        """Return the path that a name has first where its plain one is taken."""
        return join(folder, _suffixed(name, label, self.rules))

    def take_free(self, folder: str, name: str, owner: str, label: str) -> str:
        """Take the plain name where it is free, else the name with its label; return the path."""
        path = join(folder, name)
        attempt = 1
        while not self.take(path, owner):
            tail = label if attempt == 1 else f"{label}-{attempt}"
            path = join(folder, _suffixed(name, tail, self.rules))
            attempt += 1
        return path
