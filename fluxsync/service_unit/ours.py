"""The files that `fluxsync service install` wrote, told from all others by their mark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fluxsync.service_unit.supervisor import Supervisor

__all__ = ["Ours", "all_ours", "read", "write"]


@dataclass(frozen=True, slots=True)
class Ours:
    """A file of ours, and the configuration that its service keeps in step."""

    file: Path
    config: Path


def all_ours(supervisor: Supervisor) -> list[Ours]:
    """Return all files of ours; reads those that have a name like ours and nothing else."""
    return [found for file in supervisor.files() if (found := read(supervisor, file)) is not None]


def read(supervisor: Supervisor, file: Path) -> Ours | None:
    """Return the file if it is ours: a link, or what cannot be read, never is."""
    if file.is_symlink():
        return None
    try:
        config = supervisor.config_of(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return None if config is None else Ours(file, config)


def write(file: Path, text: str) -> bool:
    """Put the text into the file, in one step; returns whether that changed it. Raises `OSError`."""
    content = text.encode()
    if file.exists() and file.read_bytes() == content:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    new.write_bytes(content)
    os.replace(new, file)
    return True
