"""What is held back, between the journal and the limits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from fluxsync.core.held import Held, Mark
from fluxsync.core.model import Item, Kind, State
from fluxsync.core.safety import Guarded, Limited
from fluxsync.state.journal import HeldRow

__all__ = ["approvals", "approved_subjects", "doubts", "rows", "still_doubtful"]


def rows(guarded: Guarded, done: Collection[int] = ()) -> list[HeldRow]:
    """Return what waits for a person, and what was approved but for these subjects, which are done."""
    finished = {id(guarded.go[subject]) for subject in done if subject >= 0}
    left = [_row(held, approved=True) for held in guarded.approved if id(held.change) not in finished]
    return sorted([*map(_row, guarded.held), *left], key=lambda row: row.path)


def approved_subjects(guarded: Guarded) -> frozenset[int]:
    """Return the subjects in the plan of what a person let through."""
    approved = {id(held.change) for held in guarded.approved}
    return frozenset(subject for subject, change in enumerate(guarded.go) if id(change) in approved)


def _row(held: Held, *, approved: bool = False) -> HeldRow:
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


def doubts(rows: Iterable[HeldRow]) -> frozenset[str]:
    """Return the keys of the assets whose absence is in doubt until a person decides."""
    return frozenset(row.asset_id for row in rows if _is_in_doubt(row))


def still_doubtful(
    rows: Iterable[HeldRow], guarded: Guarded, items: Iterable[Item], present: Collection[str]
) -> list[HeldRow]:
    """Return the doubts about which a look found out nothing: what one could not look at stays in doubt.

    `items` are those that the ancestor has after it, `present` the keys of the assets that it has shown.
    """
    rows = [row for row in rows if _is_in_doubt(row)]
    if not rows:
        return []
    tracked = {item.key for item in items if item.kind is Kind.FILE and item.state is State.AGREED}
    decided = {change.item.key for change in guarded.go if change.item is not None}
    decided |= {held.change.item.key for held in guarded.held if held.change.item is not None}
    return [
        row
        for row in rows
        if row.asset_id in tracked and row.asset_id not in present and row.asset_id not in decided
    ]


def _is_in_doubt(row: HeldRow) -> bool:
    return Limited.IN_DOUBT in row.kind.split("\n")


def _mark(row: HeldRow) -> Mark:
    return Mark(row.action, row.path, row.asset_id, row.revision, row.digest)
