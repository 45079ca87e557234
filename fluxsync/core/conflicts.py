"""Names of conflict copies: the losing content beside the winner, under a marked name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from fluxsync.core.paths import basename, dirname, join, splitext

__all__ = ["copy_path", "existing_copy", "is_copy_of"]

_MARK = re.compile(r" \(conflicted copy [^()]*\)(?: \d+)?$")


def copy_path(path: str, label: str, taken: Callable[[str], bool]) -> str:
    """Return a free name beside `path`; `label` is local time and host: "2026-11-22 174501 HOST"."""
    stem, extension = splitext(basename(path))
    name = f"{stem} (conflicted copy {label})"
    folder = dirname(path)
    candidate = join(folder, name + extension)
    number = 2
    while taken(candidate):
        candidate = join(folder, f"{name} {number}{extension}")
        number += 1
    return candidate


def is_copy_of(path: str, original: str) -> bool:
    """Tell whether `path` is named as a conflict copy of `original`."""
    stem, extension = splitext(basename(path))
    marked = _MARK.search(stem)
    return (
        marked is not None
        and dirname(path) == dirname(original)
        and stem[: marked.start()] + extension == basename(original)
    )


def existing_copy(path: str, alike: Iterable[str]) -> str | None:
    """Return the conflict copy of `path` among files that have its content: one loser makes one copy."""
    return next((other for other in alike if is_copy_of(other, path)), None)
