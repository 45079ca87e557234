"""A check on each row that decisions are made from.

SQLite's own check sees a broken page, not a bit that flipped inside a value; and a key with another digit
would make one asset pass for another. A row that does not match its seal is damage like any other.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from fluxsync.state.connection import Broken, Value

__all__ = ["check_seals", "seal"]

#: The first format of all: it depends on the values alone, not on how they came to be.
_FORMAT = 0


def seal(values: Sequence[Value]) -> int:
    """Return the check on a row's values, in the types in which SQLite gives them back."""
    return crc32(marshal.dumps(tuple(values), _FORMAT))


def check_seals(rows: Iterable[tuple[Any, ...]], table: str) -> None:
    """Raise `Broken` where a row does not end with the seal of what precedes it."""
    for row in rows:
        if row[-1] != crc32(marshal.dumps(row[:-1], _FORMAT)):
            raise Broken(f"a row of {table} is not what was written")
