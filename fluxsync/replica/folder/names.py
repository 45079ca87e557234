"""What names the disk can hold and tell apart, found out by making files."""

from __future__ import annotations

import errno
import json
import os
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from fluxsync.core.model import NameRules
from fluxsync.replica.folder import syscalls
from fluxsync.replica.folder.root import FOLDER_FLAGS
from fluxsync.replica.folder.syscalls import At, Unsupported

__all__ = ["can_exchange", "drop_probe", "from_text", "probe", "probe_names", "same_name", "to_text"]

_FIELDS = tuple(field.name for field in fields(NameRules))
_SUSPECTS = '\\:*?"<>|'
_MAX_NAME_BYTES = 255
#: Errors that say nothing about the name that was to be made.
_NO_WORD_ON_NAMES = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EIO,
        errno.EROFS,
    }
)


def probe(makes: Callable[[str], bool], names: Callable[[], Iterable[str]], stem: str) -> NameRules:
    """Work out the rules of a disk from a fresh folder on it.

    `makes(name)` creates a file and says whether that worked and whether it is a new one; `names()` lists the
    folder. `stem` is a name of ASCII letters that is free.
    """
    makes(f"{stem}-case")
    case_sensitive = makes(f"{stem}-CASE")
    makes(f"{stem}-\u00fc")
    form_sensitive = makes(unicodedata.normalize("NFD", f"{stem}-\u00fc"))
    forbidden = frozenset(letter for letter in _SUSPECTS if not makes(f"{stem}-{ord(letter)}{letter}x"))
    dotted = f"{stem}-dot."
    trims_end = not makes(dotted) or dotted not in names()
    return NameRules(
        case_sensitive=case_sensitive,
        form_sensitive=form_sensitive,
        max_name_bytes=_MAX_NAME_BYTES,
        forbidden=forbidden,
        trims_end=trims_end,
    )


def probe_names(room: int, stem: str) -> NameRules:
    """Find out the rules of the disk below an open folder of ours, in a folder called `stem` that goes again.

    Raises `OSError`.
    """
    at = At(room, stem)
    syscalls.mkdir(at, 0o700)
    fd = os.open(stem, FOLDER_FLAGS, dir_fd=room)

    def makes(name: str) -> bool:
        try:
            os.close(syscalls.create(At(fd, name)))
        except OSError as error:
            if error.errno in _NO_WORD_ON_NAMES:
                raise  # a disk without room must not pass for one that knows no capitals
            return False
        return True

    try:
        return probe(makes, lambda: os.listdir(fd), "name")
    finally:
        os.close(fd)
        drop_probe(at)


def drop_probe(at: At) -> None:
    """Remove what a probe made: a folder of empty files. Raises `OSError`."""
    fd = os.open(at.name, FOLDER_FLAGS, dir_fd=at.fd)
    try:
        for name in os.listdir(fd):
            syscalls.unlink(At(fd, name))
    finally:
        os.close(fd)
    syscalls.rmdir(at)


def can_exchange(room: int, stem: str) -> bool:
    """Find out whether the disk below an open folder of ours can exchange two names that begin with `stem`.

    Raises `OSError`.
    """
    one, other = At(room, f"{stem}-1"), At(room, f"{stem}-2")
    made: list[At] = []
    try:
        for at in (one, other):
            os.close(syscalls.create(at))
            made.append(at)
        syscalls.exchange(one, other)
    except Unsupported:
        return False
    finally:
        for at in made:
            syscalls.unlink(at)
    return True


def to_text(rules: NameRules) -> str:
    """Return the rules as text for a journal."""
    values = {name: getattr(rules, name) for name in _FIELDS}
    return json.dumps({k: sorted(v) if isinstance(v, frozenset) else v for k, v in values.items()})


def from_text(text: str) -> NameRules:
    """Return the rules that a journal kept."""
    found: dict[str, Any] = json.loads(text)
    known = {name: value for name, value in found.items() if name in _FIELDS}
    return NameRules(
        **known | {"forbidden": frozenset(found["forbidden"]), "reserved": frozenset(found["reserved"])}
    )


def same_name(one: str, other: str, rules: NameRules) -> bool:
    """Tell whether a disk takes two names for one."""
    if not rules.form_sensitive:
        one, other = unicodedata.normalize("NFC", one), unicodedata.normalize("NFC", other)
    if not rules.case_sensitive:
        one, other = one.casefold(), other.casefold()
    return one == other
