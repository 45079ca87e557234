"""The trash as people read it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from fluxsync.cli import output
from fluxsync.cli.words import column, count, day_and_time, size

if TYPE_CHECKING:
    from fluxsync.core.restore import InTrash
    from fluxsync.trash import Contents

__all__ = ["show", "weight"]

#: Columns that a path and a reason have at least on a terminal, and what is around them.
_PATH = 20
_WHY = 16
_AROUND = 21


def weight(here: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]]) -> str:
    """Return "3 files (1.2 MB) here and 2 assets (3.0 kB) on the account", of rows of the document."""
    parts = []
    for rows, noun, where in ((here, "file", "here"), (there, "asset", "on the account")):
        if rows:
            parts.append(f"{count(len(rows), noun)} ({size(sum(row['size'] for row in rows))}) {where}")
    return " and ".join(parts) or "nothing"


def show(found: Contents) -> None:
    """Print both sides, grouped by the pass that put things there."""
    _show_side("in the trash here", "file", found.local)
    output.line()
    _show_side("in the trash of the account", "asset", found.remote)
    if found.local or found.remote:
        output.line()
        output.line(("bring back with `fluxsync trash restore PATH|ID|FOLDER/`", "dim"))


def _show_side(title: str, noun: str, things: Sequence[InTrash]) -> None:
    if not things:
        output.line((f"{title}: ", "bold"), "nothing")
        return
    output.line(
        (f"{title}: ", "bold"), f"{count(len(things), noun)}, {size(sum(thing.size for thing in things))}"
    )
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    ids = max(len(thing.id) for thing in things)
    longest = max(len(thing.path) for thing in things)
    free = width - ids - _AROUND if width else longest + _WHY
    room = min(longest, max(_PATH, free - _WHY))
    for (number, moment), group in groupby(things, key=lambda t: (t.pass_number, day_and_time(t.when))):
        by = f"pass {number}, " if number else ""
        output.line("  ", (by + moment, "cyan"))
        for thing in group:
            output.line(
                f"    {thing.id:<{ids}}  ",
                (f"{column(thing.size)}  ", "dim"),
                f"{_cut(thing.path, room):<{room}}  ",
                (_ended(thing.why, free - room) if width else thing.why, "dim"),
            )


def _ended(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _cut(text: str, most: int) -> str:
    """Shorten a text in its middle: the end of a path says more than what is before it."""
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"
