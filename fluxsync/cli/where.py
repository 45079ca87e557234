"""Paths and asset ids, from what people type and journals hold."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsync.engine.documents import asset_id, number

if TYPE_CHECKING:
    from fluxsync.state.journal import Journal

__all__ = ["asset_id", "number", "path_in", "paths_in"]


def path_in(root: Path, text: str, journal: Journal) -> str:
    """Return a path as the journal has it: below the root, "/" between its parts, "" for the root itself.

    What is typed may be absolute, relative to where we are inside of the root, or relative to the root; of
    the two last the one that means something, on the disk or in the journal, is taken.
    """
    inside = paths_in(root, text)
    if not inside:
        raise click.UsageError(f"{text} lies outside of the root {root}")
    for below in inside:
        if os.path.lexists(root / below) or journal.history(below, 1):
            return below
    return inside[-1]


def paths_in(root: Path, text: str) -> list[str]:
    """Return all paths below the root that a typed text may stand for, the likeliest first."""
    typed = os.path.expanduser(text)
    candidates = []
    if os.path.isabs(typed):
        candidates.append(typed)
    else:
        # The place where we are may have been removed.
        with contextlib.suppress(OSError):
            candidates.append(os.path.join(os.getcwd(), typed))
        candidates.append(os.path.join(root, typed))
    return [below for candidate in candidates if (below := _below(root, candidate)) is not None]


def _below(root: Path, candidate: str) -> str | None:
    # A link itself is a path of its own; those on the way are followed.
    parent, name = os.path.split(os.path.normpath(candidate))
    whole = os.path.join(os.path.realpath(parent), name)
    below = os.path.relpath(whole, root)
    if below == ".":
        return ""
    return None if below == ".." or below.startswith("../") else below
