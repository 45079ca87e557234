"""What a pair is like as JSON: one document, whoever asks, the command line or a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fluxsync.engine.status import Status, Trouble
    from fluxsync.state.journal import HeldRow

__all__ = ["asset_id", "held_document", "iso", "number", "status_document"]


def status_document(picture: Status, message: str = "") -> dict[str, object]:
    """Return the document of `status --json`; `message` says what a pass would not begin for."""
    counts = picture.counts
    last = picture.last_pass
    return {
        "state": str(picture.state),
        "in_step_since": iso(picture.in_step_since),
        "counts": {
            "files": counts.files,
            "folders": counts.folders,
            "bytes": counts.bytes,
            "kept_here": counts.kept_here,
            "kept_there": counts.kept_there,
        },
        "waiting": _troubles(picture.waiting),
        "failing": _troubles(picture.failing),
        "conflicts": [
            {
                "path": row.path,
                "copy": row.copy_path,
                "asset_id": asset_id(row.asset_id),
                "time": iso(row.time),
            }
            for row in picture.conflicts
        ],
        "held": held_document(picture.held),
        "skipped": _troubles(picture.skipped),
        "last_pass": None
        if last is None
        else {
            "pass": last.number,
            "started": iso(last.started),
            "ended": iso(last.ended),
            "result": last.result,
            "message": last.message,
        },
        "message": message,
    }


def held_document(rows: Sequence[HeldRow]) -> list[dict[str, object]]:
    """Return what is held back as `--json` prints it."""
    return [
        {"action": row.action, "path": row.path, "asset_id": asset_id(row.asset_id), "why": row.why}
        for row in rows
    ]


def iso(time_s: float | None) -> str | None:
    """Return seconds since 1970 as ISO 8601, in UTC; None stays None."""
    if time_s is None:
        return None
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def number(key: str) -> str:
    """Return the part of an asset's key that people know it by."""
    return key.partition("@")[0]


def asset_id(key: str) -> int:
    """Return the number of an asset from its key; 0 where it has none."""
    digits = number(key)
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _troubles(rows: Sequence[Trouble]) -> list[dict[str, object]]:
    return [_trouble(row) for row in rows]


def _trouble(row: Trouble) -> dict[str, object]:
    found: dict[str, object] = {"path": row.path, "reason": row.reason, "since": iso(row.since)}
    return found | ({"tries": row.tries, "next_try": iso(row.next_try)} if row.tries else {})
