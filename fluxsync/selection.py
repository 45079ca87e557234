"""Why a path takes no part in the sync."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["left_out_by"]


def left_out_by(path: str, ignore: Iterable[str], include: Sequence[str]) -> str:
    """Name what leaves a path out, of which it is known that something does."""
    from fluxsync.replica.folder.ignore import Rules

    if path.partition("/")[0].casefold() == ".fluxsync":
        return "fluxsync itself: that folder is its own"
    if not Rules().admits(path):
        return "a built-in ignore rule"
    for pattern in ignore:
        if not Rules([pattern]).admits(path):
            return f'[local] ignore, "{pattern}"'
    if not Rules(include=include).admits(path):
        return "[sync] include, which does not name it"
    return "a .fluxsyncignore file"
