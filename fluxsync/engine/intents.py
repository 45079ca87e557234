"""What has to be in the journal before a request leaves, so that what it left can be found."""

from __future__ import annotations

from fluxsync.core.model import Action, Intent, Place
from fluxsync.core.operations import Operation
from fluxsync.engine.brought import BRINGING
from fluxsync.engine.steps import Standing

__all__ = ["intent_of"]


def intent_of(operation: Operation, standing: Standing, mark: str, *, versions: bool) -> Intent | None:
    """Return what a step has to leave: a create or a version that is sent again would come twice.

    Of a download it is what has to be in the folder; nothing but the operation says so until it is settled.
    """
    local, old, node = standing.local, standing.remote, operation.node
    if operation.action is Action.VERSION and versions:
        if old is None:
            return None
        fetched = local is None or standing.item is None or old.revision > standing.item.revision
        digest = "" if fetched or local is None else local.digest or ""
        size = local.size if local is not None else old.size
        return Intent(Place(old.place.folder, operation.name), size, digest, mark, old.key, old.revision)
    if operation.action in BRINGING and old is not None:
        return Intent(old.place, old.size, old.digest or "", "", old.key, old.revision)
    if operation.action not in (Action.CREATE, Action.VERSION) or local is None or node is None:
        return None
    return Intent(Place(node.key, operation.name), local.size, local.digest or "", mark)
