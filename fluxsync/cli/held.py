"""What the limits hold back, as people read it: each limit with its reason, then the paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable

__all__ = ["APPROVE", "show_held"]

APPROVE = "fluxsync approve"
#: Paths below one limit that a terminal shows.
_MOST_SHOWN = 20

_WORDS = {
    "trash-local": "into the trash here",
    "trash-remote": "into the trash on the account",
    "purge": "out of the trash on the account for good",
    "version": "a new version on the account",
    "download": "new content here",
    "conflict": "kept as two files",
    "move-local": "moved here",
}


def show_held(
    rows: Iterable[tuple[str, str, str]],
    write: Callable[[str], object],
    *,
    before: str = "held back: ",
    bounded: bool = False,
) -> None:
    """Write one line for each limit, with its reason, and below it the paths in order.

    `rows` are reasons, paths and actions; `before` begins each limit. With `bounded` a long list ends with
    how many more there are.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for why, path, action in rows:
        groups.setdefault((why, action), []).append(path)
    for (why, action), paths in sorted(groups.items()):
        words = _WORDS.get(action)
        write(f"{before}{why}" + (f": {words}" if words else ""))
        shown = sorted(paths)
        if bounded and len(shown) > _MOST_SHOWN:
            shown = shown[: _MOST_SHOWN - 1]
        for path in shown:
            write(f"  {path}")
        if len(shown) < len(paths):
            write(f"  and {len(paths) - len(shown):,} more: see `{APPROVE} --list`")
