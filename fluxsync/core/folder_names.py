"""Gives the folders of the account their paths on this disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fluxsync.core.model import Entry, NameRules
from fluxsync.core.naming import Names, disk_name, fold, key_order, plain_id
from fluxsync.core.paths import ancestors, dirname, join

__all__ = ["name_folders"]

#: Longer paths are beyond what systems open by name, and deeper ones beyond what programs walk through.
_MOST_PARTS = 200
_MOST_PATH_BYTES = 3000


def name_folders(
    stays: Mapping[str, tuple[str, str]],
    newcomers: Iterable[Entry],
    spelled: Mapping[str, str],
    rules: NameRules,
) -> dict[str, str]:
    """Return the path of each newcomer, by key.

    `stays` are (path, true path) of the folders that keep theirs, by key; `spelled` has the key of each
    folder on the disk, "" where it has none. A folder lies in the folder of the tag that its true path
    names as its parent; the disk's own spelling counts where no tag says more. Among equals the lowest key
    has the plain path. A path that no disk can hold is one folder at the top, its slashes encoded.
    """
    true_paths = {folder.key: _holdable(folder.place.name) for folder in newcomers}
    ordered = sorted(true_paths, key=lambda key: (true_paths[key].count("/"), key_order(key)))
    if not ordered:
        return {}
    names = Names(rules)
    by_name: dict[str, str] = {}
    spelling = {fold(path, rules): path for path in spelled}
    for key, (path, true_path) in stays.items():
        names.take(path, key)
        by_name[true_path] = path
        for folder in (path, *ancestors(path)):
            spelling.setdefault(fold(folder, rules), folder)

    def placed(true_path: str) -> str:
        """Return where a folder on the way lies, or shall lie."""
        if not true_path or true_path in by_name:
            return by_name.get(true_path, "")
        path = join(placed(dirname(true_path)), disk_name(true_path.rpartition("/")[2], rules))
        return spelling.setdefault(fold(path, rules), path)

    paths: dict[str, str] = {}
    for key in ordered:
        true_path = true_paths[key]
        parent, name = placed(dirname(true_path)), disk_name(true_path.rpartition("/")[2], rules)
        path = names.take_free(parent, name, key, f"tag {plain_id(key)}")
        other = spelling.setdefault(fold(path, rules), path)
        if spelled.get(other) != key:
            path = other
        paths[key] = by_name[true_path] = path
    return paths


def _holdable(true_path: str) -> str:
    too_deep = true_path.count("/") >= _MOST_PARTS
    if too_deep or len(true_path.encode("utf-8", "surrogatepass")) > _MOST_PATH_BYTES:
        return true_path.replace("/", "%2F")
    return true_path
