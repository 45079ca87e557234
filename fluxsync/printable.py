"""Texts from the account and the disk, made safe to be printed: nothing in them moves a cursor."""

from __future__ import annotations

import json
from collections.abc import Iterable

__all__ = ["shown", "shown_json", "shown_lines"]


def shown(text: str) -> str:
    """Return a path or message in which nothing can move the cursor or change the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def shown_lines(text: str) -> str:
    """Return the same of a text of several lines."""
    return "\n".join(map(shown, text.split("\n")))


def shown_json(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON that is safe to be printed, too, and still means the same."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=str)
    if text.isprintable():
        return text
    return "".join(_printable_json(text))


def _printable_json(text: str) -> Iterable[str]:
    for character in text:
        # The line ends are those between the values: inside of them json has escaped it.
        printable = character.isprintable() or character == "\n"
        yield character if printable else json.dumps(character)[1:-1]


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        # A byte of a file name that is no text.
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
