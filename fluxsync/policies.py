"""What the configuration says, as values that know nothing of a configuration."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fluxsync.core.model import Rename
from fluxsync.core.plan import PlanPolicy
from fluxsync.core.reconcile import Policy
from fluxsync.core.safety import Limited
from fluxsync.core.trash import TrashPolicy
from fluxsync.engine.decide import Rules
from fluxsync.engine.pair import Pair

if TYPE_CHECKING:
    from fluxsync.replica.fluxiom.placement import Placement
    from fluxsync.settings import Settings

__all__ = ["account_name", "conflict_label", "pass_rules", "placement"]


def pass_rules(settings: Settings, pair: Pair, host: str, now_s: float, *, unattended: bool = False) -> Rules:
    """Return what holds for a pass that starts now; `host` is in the names of conflict copies.

    `unattended`: nobody waits for it, so it may leave something for a later one.
    """
    sync, safety = settings.sync, settings.safety
    policy = Policy(
        rules=pair.local.capabilities.names,
        trust_size=sync.first_run == "trust-size" and not pair.journal.items(),
        local_delete=sync.local_delete,
        remote_delete=sync.remote_delete,
    )
    plan = PlanPolicy(
        up=sync.direction != "down",
        down=sync.direction != "up",
        conflict=sync.conflict,
        label=conflict_label(now_s, host),
        rename=Rename.TITLE if sync.rename == "title" else pair.remote.capabilities.rename,
        now_ns=int(now_s * 1e9),
    )

    def most(tracked: int) -> dict[Limited, int]:
        deletions, edits = safety.max_delete.most(tracked), safety.max_edit.most(tracked)
        return {
            Limited.DELETE_HERE: deletions,
            Limited.DELETE_THERE: deletions,
            Limited.PURGE: deletions,
            Limited.MOVE: safety.max_move.most(tracked),
            Limited.EDIT_HERE: edits,
            Limited.EDIT_THERE: edits,
        }

    trash = TrashPolicy(
        sync.trash_days,
        sync.trash_size.of,
        purges=sync.direction != "down" and sync.remote_delete != "keep",
    )
    return Rules(
        policy,
        plan,
        most,
        sync.local_delete,
        sync.remote_delete,
        trash,
        sync.settle,
        _mapping_text(settings),
        unattended=unattended,
        version_interval_s=sync.version_interval if unattended else 0.0,
    )


def conflict_label(now_s: float, host: str) -> str:
    """Return what is in the names of conflict copies: local time and host."""
    return datetime.fromtimestamp(now_s).strftime("%Y-%m-%d %H%M%S") + f" {host}"


def placement(settings: Settings) -> Placement:
    """Return how folders and labels lie on the account."""
    from fluxsync.replica.fluxiom.placement import Placement

    mapping = settings.mapping
    return Placement(
        tuple(mapping.folders),
        tuple(mapping.labels),
        mapping.part_labels,
        tuple(mapping.extra_tags),
        settings.sync.trash_tag,
        settings.sync.rename,
    )


def account_name(settings: Settings) -> str:
    """Return the name by which a journal knows its account: the address, however it is written."""
    url = urlsplit(settings.remote.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    return f"{url.scheme}://{(url.hostname or '').lower()}:{port}"


def _mapping_text(settings: Settings) -> str:
    """Return what of the configuration decides where things lie and what takes part."""
    return json.dumps(
        {
            "folders": settings.mapping.folders,
            "labels": settings.mapping.labels,
            "extra_tags": settings.mapping.extra_tags,
            "include": settings.sync.include,
        },
        sort_keys=True,
    )
