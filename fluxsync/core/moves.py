"""Which vanished local file is which new file.

A move is recognised only where the old path is gone: by inode and content, then by the folder it lay in, then
by content alone where exactly one vanished and one new file have it. Inodes are used again at once, so an
inode alone proves nothing: other content under it counts only where the time of birth is the same, too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

from fluxsync.core.model import EMPTY_DIGEST, Entry, Item
from fluxsync.core.paths import is_below, rebase

__all__ = ["match_files", "match_folders", "sole_content"]


def match_folders(
    vanished: Iterable[Item], new: Iterable[Entry], files: Iterable[Item], present: Mapping[str, Entry]
) -> dict[int, Entry]:
    """Return, by item id, the new folder that a vanished folder became.

    The inode names the candidate; a file of the folder that is found in it by inode or content, or, for a
    folder without files, an equal time of birth, proves it.
    """
    by_inode = {entry.stamp.inode: entry for entry in new if entry.stamp is not None}
    candidates = [
        (item, by_inode[item.stamp.inode])
        for item in vanished
        if item.stamp is not None and item.stamp.inode in by_inode
    ]
    if not candidates:
        return {}
    below: dict[str, list[Item]] = defaultdict(list)
    old_paths = {item.path for item, _ in candidates}
    for file in files:
        folder = file.path.rpartition("/")[0]
        while folder:
            if folder in old_paths:
                below[folder].append(file)
            folder = folder.rpartition("/")[0]
    return {
        item.id: entry
        for item, entry in candidates
        if not is_below(entry.path, item.path) and _is_same_folder(item, entry, below[item.path], present)
    }


def _is_same_folder(item: Item, entry: Entry, below: list[Item], present: Mapping[str, Entry]) -> bool:
    if not below:
        return _same_birth(item, entry)
    for file in below:
        found = present.get(rebase(file.path, item.path, entry.path))
        if found is not None and (_same_inode(file, found) or _same_content(file, found)):
            return True
    return False


def match_files(
    vanished: Iterable[Item], new: Mapping[str, Entry], rebased: Mapping[int, str]
) -> dict[int, Entry]:
    """Return, by item id, the new file that a vanished file became.

    `rebased` says where an item would lie after its folder was renamed; a file there is that item, whatever
    its content, as a path that still holds a file keeps its asset.
    """
    found: dict[int, Entry] = {}
    free = dict(new)
    left = []
    for item in vanished:
        entry = free.pop(rebased.get(item.id, ""), None)
        if entry is None:
            left.append(item)
        else:
            found[item.id] = entry
    left = _by_inode(left, free, found, _same_content)
    left = _by_content(left, free, found)
    _by_inode(left, free, found, _same_birth)
    return found


def sole_content(digest: str | None, new: Iterable[Entry]) -> Entry | None:
    """Return the new file with a content, if exactly one has it and it is not empty."""
    if not digest or digest == EMPTY_DIGEST:
        return None
    alike = [entry for entry in new if entry.digest == digest]
    return alike[0] if len(alike) == 1 else None


def _by_inode(
    left: list[Item], free: dict[str, Entry], found: dict[int, Entry], proof: Callable[[Item, Entry], bool]
) -> list[Item]:
    if not left or not free:
        return left
    at = {entry.stamp.inode: entry for entry in free.values() if entry.stamp is not None}
    rest = []
    for item in left:
        entry = at.get(item.stamp.inode) if item.stamp is not None else None
        if entry is not None and entry.path in free and proof(item, entry):
            found[item.id] = free.pop(entry.path)
        else:
            rest.append(item)
    return rest


def _by_content(left: list[Item], free: dict[str, Entry], found: dict[int, Entry]) -> list[Item]:
    gone = Counter(item.digest for item in left)
    come: dict[str, list[Entry]] = defaultdict(list)
    for entry in free.values():
        if entry.digest is not None and entry.digest in gone:
            come[entry.digest].append(entry)
    rest = []
    for item in left:
        candidates = come[item.digest]
        if item.digest not in ("", EMPTY_DIGEST) and gone[item.digest] == len(candidates) == 1:
            found[item.id] = free.pop(candidates[0].path)
        else:
            rest.append(item)
    return rest


def _same_content(item: Item, entry: Entry) -> bool:
    return entry.digest is not None and item.digest == entry.digest


def _same_inode(item: Item, entry: Entry) -> bool:
    return item.stamp is not None and entry.stamp is not None and item.stamp.inode == entry.stamp.inode


def _same_birth(item: Item, entry: Entry) -> bool:
    born = item.stamp.birth_ns if item.stamp else None
    return born is not None and entry.stamp is not None and born == entry.stamp.birth_ns
