"""Relative paths: "/" between parts, "" for the root, in the form found on the disk."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Set

__all__ = ["ancestors", "basename", "covering", "dirname", "is_below", "join", "nfc", "rebase", "splitext"]


def nfc(text: str) -> str:
    """Compose letters, so that the two ways to write an umlaut compare equal."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def dirname(path: str) -> str:
    return path.rpartition("/")[0]


def basename(path: str) -> str:
    return path.rpartition("/")[2]


def splitext(name: str) -> tuple[str, str]:
    """Split a name before its last dot; a leading dot belongs to the stem."""
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem.strip(".") else (name, "")


def ancestors(path: str) -> Iterator[str]:
    """Yield the folders on the way to a path, nearest first, the root not among them."""
    while path := dirname(path):
        yield path


def is_below(path: str, folder: str) -> bool:
    """Tell whether a path is inside a folder; the root holds everything, nothing is below itself."""
    return path.startswith(folder + "/") if folder else path != ""


def rebase(path: str, old: str, new: str) -> str:
    """Return where a path below (or at) `old` lies after `old` was renamed to `new`."""
    return new + path[len(old) :] if old else join(new, path)


def covering(paths: Set[str]) -> set[str]:
    """Return the paths that lie below no other."""
    return {path for path in paths if paths.isdisjoint(ancestors(path))}
