"""Which sections and keys there are, as plain values, and which one a mistyped name was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Key", "Schema", "did_you_mean"]


@dataclass(frozen=True, slots=True)
class Key:
    """What is to be known of a key without knowing its section's model."""

    #: The type of its value, as annotated.
    kind: Any
    required: bool


#: The keys of each section.
Schema = Mapping[str, Mapping[str, Key]]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that proposes the closest known name, or "" where none is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]}?" if close else ""
