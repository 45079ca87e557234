"""Changes of an asset that move no bytes: move, label, trash, restore, delete.

Each is one read and one write. The read says whether the asset still is what was expected, the answer to the
write says what is there now.
"""

from __future__ import annotations

from fluxsync.core.model import Entry, Place
from fluxsync.core.paths import nfc, splitext
from fluxsync.errors import Rejected, Stale
from fluxsync.replica.base import Trashed
from fluxsync.replica.fluxiom.entries import read_memo, tag_id_of
from fluxsync.replica.fluxiom.library import Gone, Library
from fluxsync.replica.fluxiom.placement import tags_for_move
from fluxsync.replica.fluxiom.wire import Asset

__all__ = ["delete", "move", "moved_tags", "relabel", "restore", "title_for", "trash"]


def move(library: Library, entry: Entry, place: Place) -> Entry:
    """Put an asset into another folder; under another name only where the title stands for the name."""
    new_home = tag_id_of(place.folder)
    asset = library.fresh(entry, bound_for=new_home)
    title = None
    if nfc(place.name) != nfc(entry.place.name):
        if not library.by_title:
            raise Rejected(f'"{entry.place.name}" is renamed by a new version, not by a move')
        title = title_for(asset, place.name)
    tags = moved_tags(library, asset, entry, new_home)
    there = tags == frozenset(asset.tags) and title in (None, asset.title)
    answer = asset if there else library.write(asset, tags, title)
    return library.entry_after(entry, answer, new_home)


def moved_tags(library: Library, asset: Asset, entry: Entry, new_home: int) -> frozenset[int]:
    """Return the tags that the asset has in its new home, labels of the way included."""
    old_home = tag_id_of(entry.place.folder)
    folders, placement = library.tags.folders, library.placement
    if new_home and new_home not in folders:
        raise Stale("the folder's tag is gone from the account")
    if not placement.part_labels:
        return tags_for_move(asset.tags, old_home, new_home)
    old_path = read_memo(entry.memo).labelled or folders.get(old_home, "")
    old_labels = library.tags.known_labels(placement.labels_at(old_path))
    wanted_anyway = library.tags.known_labels(placement.extra_tags) | {library.tags.trash}
    return tags_for_move(
        asset.tags,
        old_home,
        new_home,
        old_labels - wanted_anyway,
        library.tags.labels(placement.labels_at(folders.get(new_home, ""))),
    )


def title_for(asset: Asset, name: str) -> str:
    """Return the title that makes an asset appear under a name.

    Raises `Rejected` where no title can: only one with the file name's own extension stands for the name.
    """
    if nfc(name) == nfc(asset.filename):
        return splitext(name)[0]
    extension = splitext(asset.filename)[1]
    if not name.endswith(extension):
        raise Rejected(f'"{name}" cannot be the name there: the title needs the extension "{extension}"')
    return nfc(name)


def relabel(library: Library, entry: Entry) -> Entry:
    """Put the labels of its place on an asset and take those of its old place off."""
    asset = library.fresh(entry)
    home_id = tag_id_of(entry.place.folder)
    tags = moved_tags(library, asset, entry, home_id)
    answer = asset if tags == frozenset(asset.tags) else library.write(asset, tags)
    return library.entry_after(entry, answer, home_id)


def trash(library: Library, entry: Entry) -> Trashed:
    """Put the trash tag on an asset; its home tag stays, so that it can be restored to its place."""
    asset = library.fresh(entry, trash_too=False)
    trash_id = library.tags.make_trash()
    if trash_id not in asset.tags:
        asset = library.write(asset, {*asset.tags, trash_id})
    after = library.entry_after(entry, asset, tag_id_of(entry.place.folder))
    return Trashed(entry.key, after)


def restore(library: Library, entry: Entry) -> Entry:
    """Take the trash tag off an asset."""
    asset = library.fresh(entry, trash_too=False)
    if library.is_trashed(asset):
        asset = library.write(asset, asset.tags.keys() - {library.tags.trash})
    return library.entry_after(entry, asset, tag_id_of(entry.place.folder))


def delete(library: Library, entry: Entry) -> None:
    """Delete an asset for good; one that is gone is no error.

    An entry from the trash is deleted only while it still carries the trash tag.
    """
    try:
        asset = library.fresh(entry)
    except Gone:
        return
    # RACE: a version uploaded between the read and this request is deleted with the asset. Nothing can
    # prevent it; the configuration asks for deletion only where a person chose it, or after `trash_days`.
    try:
        library.writes.delete(asset)
    except Stale:
        return  # somebody else was faster
