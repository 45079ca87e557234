"""Is the root the folder that is meant? Looked at before anything is made in it."""

from __future__ import annotations

import os
from pathlib import Path

from fluxsync.engine.bind import MarkedRoot, bind_root
from fluxsync.errors import ConfigError, Halted, StateError
from fluxsync.state.journal import Journal

__all__ = ["check_marker", "check_place", "check_root"]


def check_root(root: Path, journal_path: Path) -> None:
    """Tell a typing mistake from a root that has gone. Raises `ConfigError` and `Halted`."""
    known = False
    if not root.exists():
        journal = Journal.peek(journal_path)
        if journal is not None:
            known = journal.fact("root_id") is not None
            journal.close()
    check_place(root, known)
    if not root.is_dir():
        raise Halted(f"the folder {root} is missing or not mounted: nothing was done; mount it and run again")


def check_place(root: Path, known: bool) -> None:
    """Raise `ConfigError` for a root that is missing though no journal knows it, or nested in another."""
    key = f'[local] root = "{root}"'
    if not os.path.lexists(root):
        if known:
            return
        raise ConfigError(f"{key}: there is no such folder: make it, or correct the path")
    for parent in root.parents:
        if (parent / ".fluxsync").is_dir():
            raise ConfigError(f"{key}: lies inside the root {parent}: choose a folder outside of it")
    try:
        with os.scandir(root) as below:
            inner = [
                entry.path
                for entry in below
                if entry.is_dir(follow_symlinks=False)
                and os.path.isdir(os.path.join(entry.path, ".fluxsync"))
            ]
    except OSError as error:
        raise ConfigError(f"{key}: cannot be read ({error.strerror}): correct its permissions") from error
    if inner:
        raise ConfigError(f"{key}: the root {inner[0]} lies inside of it: choose another folder")


def check_marker(root: MarkedRoot, journal_path: Path) -> None:
    """Raise `Halted` where the journal knows another root: an unmounted disk leaves an empty folder."""
    try:
        journal = Journal.peek(journal_path)
    except StateError:
        return  # opened for writing, it is set aside, and both sides are merged
    if journal is not None:
        try:
            bind_root(journal, root, dry_run=True)
        finally:
            journal.close()
