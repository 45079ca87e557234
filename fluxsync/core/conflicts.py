"""Names of conflict copies: the losing content beside the winner, under a marked name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from fluxsync.core.paths import basename, dirname, join, splitext

__all__ = ["copy_path", "existing_copy", "is_copy_of", "original_of", "standing", "unmarked"]

_MARK = re.compile(r" \(conflicted copy [^()]*\)(?: \d+)?$")
#: What tells quickly that a path cannot be a conflict copy.
_HINT = " (conflicted copy "


def copy_path(path: str, label: str, taken: Callable[[str], bool], *, max_bytes: int = 255) -> str:
    """Return a free name beside `path`; `label` is local time and host: "2026-11-22 174501 HOST".

    A name that would be longer than the disk permits loses the end of its stem.
    """
    stem, extension = splitext(basename(path))
    return _free(dirname(path), stem, f"{_HINT}{label})", extension, taken, max_bytes)


def unmarked(copy: str, taken: Callable[[str], bool], *, max_bytes: int = 255) -> str:
    """Return a free ordinary name for a conflict copy: "logo 2.gif"."""
    folder, (stem, extension) = dirname(copy), splitext(basename(copy))
    stem = _MARK.sub("", stem)
    return _free(folder, stem, "", extension, taken, max_bytes)


def original_of(path: str) -> str | None:
    """Return the path that a conflict copy was made of, as its name says; None for any other file."""
    if _HINT not in path:
        return None
    stem, extension = splitext(basename(path))
    marked = _MARK.search(stem)
    return join(dirname(path), stem[: marked.start()] + extension) if marked is not None else None


def is_copy_of(path: str, original: str) -> bool:
    """Tell whether `path` is named as a conflict copy of `original`."""
    return original_of(path) == original


def existing_copy(path: str, alike: Iterable[str]) -> str | None:
    """Return the conflict copy of `path` among files that have its content: one loser makes one copy."""
    return next((other for other in alike if is_copy_of(other, path)), None)


def standing(known: Iterable[tuple[str, str]], paths: Collection[str]) -> dict[str, str]:
    """Return the conflicts that nobody has settled yet, as copy -> original; `paths` are all files.

    `known` are pairs of original and copy that this machine made; every other machine knows them by name. A
    conflict stands as long as both files do: to remove or rename either of them settles it.
    """
    found = {copy: path for path, copy in known if path in paths and copy in paths}
    for path in paths:
        original = original_of(path)
        if original is not None and original in paths:
            found.setdefault(path, original)
    return found


def _free(
    folder: str, stem: str, mark: str, extension: str, taken: Callable[[str], bool], max_bytes: int
) -> str:
    number = 1
    while True:
        end = (f"{mark} {number}" if number > 1 else mark) + extension
        room = max_bytes - len(end.encode(errors="surrogateescape"))
        candidate = join(folder, _cut(stem, room) + end)
        if not taken(candidate):
            return candidate
        number += 1


def _cut(text: str, max_bytes: int) -> str:
    """Shorten a text to that many bytes without cutting a letter in two."""
    while len(text.encode(errors="surrogateescape")) > max_bytes:
        text = text[:-1]
    return text
