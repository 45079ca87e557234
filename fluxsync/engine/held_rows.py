"""What is held back, between the journal and the limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fluxsync.core.held import Held, Mark
from fluxsync.core.safety import Limited
from fluxsync.state.journal import HeldRow

__all__ = ["approvals", "doubts", "row_of"]


def row_of(held: Held, *, approved: bool = False) -> HeldRow:
    mark = held.mark
    return HeldRow(
        mark.action,
        mark.path,
        mark.key,
        held.why,
        "\n".join(held.kinds),
        mark.revision,
        mark.digest,
        approved,
    )


def approvals(rows: Iterable[HeldRow]) -> Mapping[Mark, frozenset[str]]:
    """Return the changes that a person let through, with the limits that held them."""
    return {_mark(row): frozenset(row.kind.split("\n")) for row in rows}


def doubts(rows: Iterable[HeldRow]) -> frozenset[Mark]:
    """Return the deletions that are in doubt until a person decides."""
    return frozenset(_mark(row) for row in rows if Limited.IN_DOUBT in row.kind.split("\n"))


def _mark(row: HeldRow) -> Mark:
    return Mark(row.action, row.path, row.asset_id, row.revision, row.digest)
