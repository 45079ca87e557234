"""`conflicts`: what was kept as two files, and how it is settled."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.once import Ahead, one_pass
from fluxsync.cli.session import shared_options, this
from fluxsync.cli.where import asset_id, path_in
from fluxsync.cli.words import ago, count, iso, size

if TYPE_CHECKING:
    from fluxsync.app import App
    from fluxsync.core.model import Item
    from fluxsync.state.journal import ConflictRow, Journal

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

    session = this()
    settings = session.settings(bar=True)
    with peeked(settings) as journal:
        below = [path_in(settings.local.root, path, journal) for path in paths]
        _named(journal, paths, below, keep)

    def settle(app: App) -> Ahead:
        return _settle(app, _named(app.journal, paths, below, keep), keep)

    return one_pass(session, settings, first=settle)


def _named(journal: Journal, typed: Iterable[str], below: Iterable[str], keep: str) -> list[ConflictRow]:
    """Return the conflicts that were named. Raises `ConfigError` where there is none, or too many."""
    from fluxsync.engine.conflicts import chosen
    from fluxsync.errors import ConfigError

    rows = journal.conflicts()
    found: dict[tuple[str, str], ConflictRow] = {}
    for text, path in zip(typed, below, strict=True):
        named = chosen(rows, path)
        if not named:
            raise ConfigError(f"nothing is in conflict at {text}; `fluxsync conflicts` lists what is")
        found.update({(row.path, row.copy_path): row for row in named})
    if keep == "local":
        originals = [row.path for row in found.values()]
        for path in originals:
            if originals.count(path) > 1:
                raise ConfigError(f"{path} has {originals.count(path)} conflict copies: name the one to keep")
    return list(found.values())


def _settle(app: App, rows: Sequence[ConflictRow], keep: str) -> Ahead:
    from fluxsync.errors import Halted, ReplicaError

    ahead = Ahead()
    settled: list[dict[str, object]] = []
    for row in rows:
        try:
            what = app.settle_conflict(row, keep)
        except Halted:
            raise
        except ReplicaError as error:
            ahead.failures[row.path] = str(error)
            continue
        settled.append({"path": row.path, "copy": row.copy_path, "kept": keep})
        if not this().json:
            output.line((row.path, "bold"), f": {what}")
    ahead.document["resolved"] = settled
    return ahead


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
