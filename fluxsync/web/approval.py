"""Exactly what was shown as held back, so that nothing that came since is approved with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fluxsync.engine.status import Status

__all__ = ["approvable", "mark"]


def approvable(status: Status) -> list[dict[str, Any]]:
    """Return what is held back, each row with all that tells it from any other change, as JSON."""
    return [asdict(row) for row in status.held]


def mark(rows: Sequence[dict[str, Any]]) -> str:
    """Return a text that is another one as soon as something else is held back; "" for nothing."""
    if not rows:
        return ""
    lines = sorted(json.dumps(row, sort_keys=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
