"""`explain`: why one path is as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.session import shared_options, this
from fluxsync.cli.where import asset_id, number, path_in
from fluxsync.cli.words import count, day_and_time, iso, put_aside, size

if TYPE_CHECKING:
    from fluxsync.core.model import Entry, Item
    from fluxsync.engine.explain import Explanation

__all__ = ["explain"]


@click.command(short_help="Show why a path is as it is, and what comes next.")
@shared_options
@click.argument("path")
def explain(path: str) -> None:
    """Show why PATH is as it is: the file, the asset, the journal, and what the next pass will do.

    PATH may be absolute, relative to where you are, or relative to the root. Changes nothing: both sides are
    only looked at, and the decision is made exactly as a pass would make it.
    """
    from fluxsync.app import opened, peeked

    session = this()
    settings = session.settings()
    with peeked(settings) as journal:
        below = path_in(settings.local.root, path, journal)
    if not below:
        raise click.UsageError("PATH is the root itself: name a file or a folder in it")
    with opened(settings, dry_run=True) as app:
        found = app.explain(below)
    if session.json:
        output.document(_explain_document(found))
    else:
        _show_explanation(found)


def _explain_document(found: Explanation) -> dict[str, object]:
    return {
        "path": found.path,
        "file": _file(found.file),
        "asset": _asset(found.asset, found.asset_folder),
        "journal": _row(found.journal, found.since),
        "decision": found.decision,
        "why": found.why,
        "steps": [
            {
                "action": str(op.action),
                "path": op.path,
                "target": op.target,
                "why": op.why,
                "bytes": op.size,
            }
            for op in found.operations
        ],
    } | _failed(found)


def _failed(found: Explanation) -> dict[str, object]:
    row = found.put_aside
    if row is None:
        return {"failed": found.failed} if found.failed else {}
    more = {"since": iso(row.since), "next_try": iso(row.next_try)}
    return {"put_aside": {"reason": row.reason, "tries": row.tries} | more}


def _file(entry: Entry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    stamp = entry.stamp
    return {
        "kind": entry.kind.value,
        "size": entry.size,
        "modified": iso(stamp.mtime_ns / 1e9) if stamp is not None else None,
        "sha256": entry.digest,
    }


def _asset(entry: Entry | None, folder: str) -> dict[str, object] | None:
    if entry is None:
        return None
    return {
        "kind": "asset" if entry.kind.value == "file" else "tag",
        "id": asset_id(entry.key),
        "name": entry.place.name,
        "folder": folder,
        "version": entry.revision,
        "size": entry.size,
        "updated": iso(entry.modified_ns / 1e9) if entry.modified_ns else None,
        "trashed": entry.trashed,
    }


def _row(item: Item | None, since: float | None) -> dict[str, object] | None:
    if item is None:
        return None
    return {
        "state": item.state.value,
        "path": item.path,
        "asset_id": asset_id(item.key),
        "name": item.name,
        "version": item.revision,
        "size": item.size,
        "sha256": item.digest,
        "since": iso(since),
    }


def _show_explanation(found: Explanation) -> None:
    output.line((found.path, "bold"))
    output.line()
    file, asset, row = found.file, found.asset, found.journal
    here = "not known" if found.decision == "unknown" else "not there"
    if file is not None:
        here = "a folder" if file.kind.value == "folder" else size(file.size)
        if file.stamp is not None and file.kind.value == "file":
            here += f", modified {day_and_time(file.stamp.mtime_ns / 1e9)}"
    there = "not there"
    if asset is not None and asset.kind.value == "folder":
        there = f"tag {number(asset.key)}, {asset.place.name}, carried by {count(asset.carried, 'asset')}"
    elif asset is not None:
        where = f" in {found.asset_folder}" if found.asset_folder else " without a folder tag"
        there = f"asset {number(asset.key)}, version {asset.revision}, {size(asset.size)}: "
        there += f"{asset.place.name}{where}"
        there += "; in the trash" if asset.trashed else ""
    known = "not known"
    if row is not None and row.kind.value == "folder":
        known = f"folder {row.path}" + (
            f", tag {number(row.key)}" if row.key else ", needs no tag of its own"
        )
    elif row is not None:
        known = f"asset {number(row.key)}, version {row.revision}, {size(row.size)}: {row.path}"
        known += f"; {row.state.value}" if row.state.value != "agreed" else ""
    if row is not None and found.since is not None:
        known += f"; last changed {day_and_time(found.since)}"
    for label, text in (("folder", here), ("account", there), ("journal", known)):
        output.line((f"  {label:<10}", "dim"), text)
    failed = found.put_aside
    if failed is not None:
        words = f"{failed.reason}; {put_aside(failed.tries, failed.next_try)}"
        output.line((f"  {'failed':<10}", "dim"), (words, "red"))
    elif found.failed:
        output.line((f"  {'failed':<10}", "dim"), (f"in the last pass: {found.failed}", "red"))
    output.line((f"  {'next pass':<10}", "dim"), (found.decision, "cyan"), f": {found.why}")
    if len(found.operations) > 1:
        for op in found.operations[1:]:
            target = f" -> {op.target}" if op.target and op.target != "bury" else ""
            output.line(f"  {'':<10}", ("then ", "dim"), (str(op.action), "cyan"), f" {op.path}{target}")
