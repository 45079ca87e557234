"""`conflicts`: what was kept as two files, and how it is settled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.asking import pass_after
from fluxsync.cli.session import shared_options, this
from fluxsync.cli.where import asset_id, path_in
from fluxsync.cli.words import ago, count, iso, size

if TYPE_CHECKING:
    from fluxsync.core.model import Item
    from fluxsync.state.journal import ConflictRow

__all__ = ["conflicts"]


@click.group(invoke_without_command=True, short_help="List what was kept as two files, and settle it.")
@shared_options
@click.pass_context
def conflicts(context: click.Context) -> None:
    """List the conflicts that were kept as two files, oldest first.

    A file that was changed here and on the account before either knew of the other is kept twice: the
    account's content has the name, the other one lies beside it as "NAME (conflicted copy DATE TIME HOST)".
    Both are synced, so each machine lists the conflict. It is settled by `conflicts resolve`, or by hand: by
    removing or renaming one of the two files.

    Changes nothing, and asks nobody: it shows what the journal says since the last pass.
    """
    if context.invoked_subcommand is not None:
        return
    from fluxsync.app import peeked

    session = this()
    with peeked(session.settings(log=False)) as journal:
        rows = journal.conflicts()
        items = {item.path: item for item in journal.items()} if rows else {}
    if session.json:
        output.document({"conflicts": [_document(row, items) for row in rows]})
    elif not rows:
        output.line("no conflicts")
    else:
        _show(rows, items)


@conflicts.command(short_help="Settle conflicts, one or many.")
@shared_options
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--keep",
    required=True,
    type=click.Choice(["local", "remote", "both"]),
    help="local: the conflict copy takes the name, as a new version of the asset. remote: the file that has"
    " the name stays. both: two ordinary files, the copy renamed.",
)
def resolve(paths: Sequence[str], keep: str) -> int:
    """Settle conflicts, then make one pass, so that the account and every other machine follow.

    PATH is a file in conflict, its conflict copy, or a folder for all conflicts in it; the root stands for
    all there are. What is not kept goes to the trash, here and on the account.
    """
    from fluxsync.app import peeked
    from fluxsync.engine.conflicts import Keep, named
    from fluxsync.tasks import Resolve, task

    session = this()
    settings = session.settings(bar=True)
    with peeked(settings) as journal:
        below = {path: path_in(settings.local.root, path, journal) for path in paths}
        named(journal.conflicts(), below, Keep(keep))
    return pass_after(session, settings, task(Resolve(list(below.values()), Keep(keep))))


def _document(row: ConflictRow, items: dict[str, Item]) -> dict[str, object]:
    return {
        "path": row.path,
        "copy": row.copy_path,
        "asset_id": asset_id(row.asset_id),
        "time": iso(row.time),
        "remote": _side(items.get(row.path)),
        "local": _side(items.get(row.copy_path)),
    }


def _side(item: Item | None) -> dict[str, object] | None:
    if item is None:
        return None
    modified = iso(item.stamp.mtime_ns / 1e9) if item.stamp is not None else None
    return {"asset_id": asset_id(item.key), "size": item.size, "modified": modified, "sha256": item.digest}


def _show(rows: Sequence[ConflictRow], items: dict[str, Item]) -> None:
    now = time.time()
    output.line((count(len(rows), "conflict"), "yellow"))
    for row in rows:
        output.line()
        output.line("  ", (row.path, "bold"), (f"   {ago(row.time, now)}", "dim"))
        output.line("    remote  ", _weight(items.get(row.path)))
        output.line("    local   ", _weight(items.get(row.copy_path)), (f"  {_name(row.copy_path)}", "dim"))
    output.line()
    output.line(
        "settle with `fluxsync conflicts resolve PATH --keep local|remote|both`; a folder means all in it"
    )


def _weight(item: Item | None) -> str:
    if item is None:
        return "not in step yet"
    when = f", saved {ago(item.stamp.mtime_ns / 1e9, time.time())}" if item.stamp is not None else ""
    return f"{size(item.size)}{when}"


def _name(path: str) -> str:
    return path.rpartition("/")[2]
