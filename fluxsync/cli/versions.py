"""`versions`: what the account knows of an asset's past."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fluxsync.cli import output
from fluxsync.cli.session import shared_options, this
from fluxsync.cli.where import asset_id, number, path_in
from fluxsync.cli.words import column, count, day_and_time, iso

if TYPE_CHECKING:
    from fluxsync.core.model import Item
    from fluxsync.replica.fluxiom.version_notes import VersionNote

__all__ = ["versions"]


@click.command(short_help="Show an asset's versions as the account knows them.")
@shared_options
@click.argument("path")
def versions(path: str) -> None:
    """Show the versions of the asset at PATH, newest first: number, date, size, name, and who sent it.

    Changes nothing. The account gives out the current content only: what a version replaced is in the trash
    of the machine that replaced it (`fluxsync trash`).
    """
    from fluxsync.app import opened, peeked
    from fluxsync.errors import ConfigError

    session = this()
    settings = session.settings()
    with peeked(settings) as journal:
        below = path_in(settings.local.root, path, journal)
    with opened(settings, dry_run=True) as app:
        item = app.journal.file_at(below)
        if item is None:
            raise ConfigError(f"{path} has no asset that the journal knows; `fluxsync explain` says why")
        found = app.versions(item)
    if session.json:
        output.document(
            {
                "path": below,
                "asset_id": asset_id(item.key),
                "versions": [_document(note, item) for note in found],
            }
        )
    else:
        _show(below, item, found)


def _document(note: VersionNote, item: Item) -> dict[str, object]:
    return {
        "version": note.number,
        "time": iso(note.sent_ns / 1e9) if note.sent_ns else None,
        "size": note.size,
        "name": note.filename,
        "user_id": note.user_id,
        "comment": note.comment,
        "sender": note.sender or None,
        "sha256": note.digest or None,
        "follows": note.over,
        "here": note.number == item.revision,
    }


def _show(path: str, item: Item, found: tuple[VersionNote, ...]) -> None:
    output.line((path, "bold"), f"   asset {number(item.key)}, {count(len(found), 'version')}")
    output.line()
    for note in found:
        here = note.number == item.revision
        sender = f"sent from {note.sender}" if note.sender else note.comment or f"user {note.user_id}"
        renamed = f"  as {note.filename}" if note.filename != item.name else ""
        when = day_and_time(note.sent_ns / 1e9) if note.sent_ns else ""
        output.line(
            f"  {note.number:>4}  {when:<19}  {column(note.size)}  ",
            (f"{sender}{renamed}", "dim"),
            ("  this is the file here" if here else "", "green"),
        )
