"""What a pass would do, as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxsync.cli import output
from fluxsync.cli.held import show_held
from fluxsync.cli.words import column, count, size

if TYPE_CHECKING:
    from fluxsync.core.operations import Operation
    from fluxsync.engine.report import Report

__all__ = ["show_plan"]

_HEADS = {
    "create": "send",
    "version": "send as new versions",
    "download": "fetch",
    "conflict": "keep as two files (conflict)",
    "move-local": "move here",
    "rename-folder": "rename folders here",
    "move-remote": "move on the account",
    "rename-tag": "rename folders on the account",
    "label": "label on the account",
    "trash-local": "put into the trash here",
    "trash-remote": "put into the trash on the account",
    "restore": "take out of the trash on the account",
    "purge": "delete from the trash on the account for good",
    "make-folder": "make folders here",
    "make-tag": "make folders on the account",
    "remove-folder": "remove empty folders here",
    "remove-tag": "remove empty folders on the account",
}


def show_plan(report: Report) -> None:
    """Print the steps, what is held back, and the sum of it."""
    plan = report.plan or []
    groups: dict[str, list[Operation]] = {action: [] for action in _HEADS}
    for operation in plan:
        groups.setdefault(str(operation.action), []).append(operation)
    for action, operations in groups.items():
        if not operations:
            continue
        bytes_moved = sum(op.size for op in operations)
        weight = f", {size(bytes_moved)}" if bytes_moved else ""
        output.line(f"{_HEADS.get(action, action)}: {len(operations):,}{weight}")
        width = min(60, max(len(_plan_path(op)) for op in operations))
        for operation in sorted(operations, key=_plan_path):
            weight = column(operation.size) if operation.size else ""
            output.line(f"  {_plan_path(operation):<{width}}  {weight:11}  ", (operation.why, "dim"))
        output.line()
    if report.held:
        show_held(((h.why, h.change.path, h.mark.action) for h in report.held), output.line)
        output.line()
    renamed = [op for op in plan if _only_renames(op)]
    if renamed:
        output.line(
            f"renaming sends {count(len(renamed), 'file')} again, {size(sum(op.size for op in renamed))}:"
            " a new name needs a new version"
        )
    if report.stopped is None:
        unchanged = f"{count(report.unchanged, 'file')} already in step"
        waiting = f"{len(report.held):,} held back, " if report.held else ""
        steps = count(len(plan), "step") if plan else "nothing"
        output.line(f"{steps} to do, {waiting}{unchanged}; nothing was touched")


def _plan_path(operation: Operation) -> str:
    if operation.target and operation.target != "bury":
        return f"{operation.path} -> {operation.target}"
    return operation.path


def _only_renames(operation: Operation) -> bool:
    """Tell whether a version is sent for its name alone."""
    remote, item, local = operation.remote, operation.item, operation.local
    return (
        operation.action == "version"
        and remote is not None
        and operation.name not in ("", remote.place.name)
        and (local is None or item is None or local.digest == item.digest)
    )
