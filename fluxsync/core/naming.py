"""Gives every remote item its path on this disk.

Names from the account are hostile until shown otherwise: what a disk cannot hold, or what means something to
it, is percent-encoded; what the disk cannot tell from its neighbour gets its id. The choice is sticky: whoever
has the plain name on this disk keeps it, so a machine's view never changes without a reason.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from fluxsync.core.model import Entry, Item, NameRules
from fluxsync.core.paths import ancestors, basename, join, nfc, splitext

__all__ = ["Names", "disk_name", "disk_path", "fold", "name_files", "name_folders", "newer", "plain_id"]

_OWN_FOLDER = ".fluxsync"


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
    return _order(key) > _order(other)


def _order(key: str) -> tuple[int, str]:
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


@dataclass(slots=True)
class Names:
    """The names that are taken on this disk, and by whom."""

    rules: NameRules
    _owners: dict[str, str]

    def __init__(self, rules: NameRules) -> None:
        self.rules = rules
        self._owners = {}

    def take(self, path: str, owner: str) -> bool:
        """Take a path for an owner; False when another has it."""
        return self._owners.setdefault(fold(path, self.rules), owner) == owner

    def take_free(self, folder: str, name: str, owner: str, label: str, avoid: Collection[str] = ()) -> str:
        """Take the plain name where it is free, else the name with its label; return the path."""
        path = join(folder, name)
        attempt = 1
        while path in avoid or not self.take(path, owner):
            tail = label if attempt == 1 else f"{label}-{attempt}"
            path = join(folder, _suffixed(name, tail, self.rules))
            attempt += 1
        return path


def name_folders(shown: Iterable[Entry], items: Mapping[str, Item], rules: NameRules) -> dict[str, str]:
    """Return the path on this disk of each remote folder, by key.

    `items` are the ancestor's folders by key. A folder whose true path is unchanged keeps its path; among
    newcomers the lowest key has the plain path.
    """
    names = Names(rules)
    paths: dict[str, str] = {}
    newcomers = []
    for folder in shown:
        item = items.get(folder.key)
        if item is not None and item.name == folder.place.name and names.take(item.path, folder.key):
            paths[folder.key] = item.path
        else:
            newcomers.append(folder)
    for folder in sorted(newcomers, key=lambda f: _order(f.key)):
        path = disk_path(folder.place.name, rules)
        parent, _, name = path.rpartition("/")
        paths[folder.key] = names.take_free(parent, name, folder.key, f"tag {plain_id(folder.key)}")
    return paths


def name_files(
    files: Iterable[Entry],
    items: Mapping[str, Item],
    folder_paths: Mapping[str, str],
    occupied: Mapping[str, str],
    untracked: Collection[str],
    rules: NameRules,
) -> dict[str, str]:
    """Return the path on this disk of each live remote file, by key.

    `items` are the ancestor's files by key, `folder_paths` the final path of each folder by key ("" for the
    root), `occupied` the key of the asset that each moved file belongs to, by its path now; `untracked` are the
    paths of files without an asset, which only a newcomer may meet. A folder has the name before any file.
    """
    names = Names(rules)
    for folder in folder_paths.values():
        for path in (folder, *ancestors(folder)):
            if path:
                names.take(path, "folder " + path)
    paths: dict[str, str] = {}
    movers: list[tuple[Entry, str]] = []
    newcomers: list[Entry] = []
    for file in files:
        item = items.get(file.key)
        if item is None:
            newcomers.append(file)
            continue
        name = basename(item.path)
        if item.name != file.place.name and nfc(item.name) != nfc(file.place.name):
            movers.append((file, disk_name(file.place.name, rules)))
        elif item.folder != file.place.folder:
            movers.append((file, name))
        else:
            path = join(folder_paths[file.place.folder], name)
            if names.take(path, file.key):
                paths[file.key] = path
            else:
                movers.append((file, name))
    for path, key in occupied.items():
        names.take(path, key)
    for file, name in sorted(movers, key=lambda m: _order(m[0].key)):
        folder = folder_paths[file.place.folder]
        paths[file.key] = names.take_free(folder, name, file.key, plain_id(file.key), untracked)
    for file in sorted(newcomers, key=lambda f: _order(f.key)):
        folder = folder_paths[file.place.folder]
        name = disk_name(file.place.name, rules)
        paths[file.key] = names.take_free(folder, name, file.key, plain_id(file.key))
    return paths
