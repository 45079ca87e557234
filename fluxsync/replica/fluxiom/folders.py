"""Folders: tags made, renamed and removed."""

from __future__ import annotations

from fluxsync.core.model import Entry, Place
from fluxsync.core.paths import nfc
from fluxsync.errors import Rejected, ReplicaError, Stale
from fluxsync.replica.fluxiom.entries import folder_entry, tag_id_of
from fluxsync.replica.fluxiom.library import Library
from fluxsync.replica.fluxiom.tagnames import encode_folder
from fluxsync.replica.fluxiom.wire import Tag

__all__ = ["make_folder", "move_folder", "remove_folder"]


def make_folder(library: Library, place: Place) -> Entry:
    """Return the folder's tag, made where there is none.

    Raises `Rejected` where the tag would be no folder, would differ from another only in case, or where the
    service makes something else of its name.
    """
    found = library.tags.at(place.name)
    if found:
        return folder_entry(found, place.name)
    name = _name_for(library, place.name)
    known = library.tags.tags.keys()
    # RACE: another machine may make the same tag now. Two tags of one path are two folders of one name to
    # every machine alike; the lower id has the plain name, no asset loses its place.
    made = library.tags.create(name)
    if made.name != name:
        if made.id not in known:
            _take_back(library, made)
        raise Rejected(f'the service made "{made.name}" of the tag "{name}"')
    library.tags.add(made)
    return folder_entry(made, place.name)


def move_folder(library: Library, folder: Entry, place: Place) -> Entry:
    """Rename a folder's tag: one request, no bytes.

    Raises `Stale` when the tag means another folder now or the new path is taken, `Rejected` like
    `make_folder`.
    """
    tag_id = tag_id_of(folder.key)
    library.tags.read()
    tag = library.tags.tags.get(tag_id)
    if tag is None or nfc(library.tags.folders.get(tag_id, "")) != nfc(folder.place.name):
        raise Stale(f'the folder "{folder.place.name}" was renamed or removed on the account')
    taken = library.tags.at(place.name)
    if taken and taken.id != tag_id:
        raise Stale(f'there is a folder "{place.name}" on the account')
    name = _name_for(library, place.name, but=tag_id)
    # RACE: a rename made elsewhere between the list and this request is overwritten. Nothing lies anywhere
    # else by it: assets carry the tag by its id, whatever it is called.
    renamed = library.writes.rename_tag(tag, name)
    if renamed.name != name:
        library.writes.rename_tag(Tag(tag_id, renamed.name), tag.name)
        raise Rejected(f'the service made "{renamed.name}" of the tag "{name}"')
    library.tags.add(Tag(tag_id, name, tag.documents, tag.stages))
    return folder_entry(library.tags.tags[tag_id], place.name)


def remove_folder(library: Library, folder: Entry) -> None:
    """Delete the tag of an empty folder.

    Raises `Stale` while an asset, trashed or not, or a stage carries it.
    """
    tag = library.client.tag(tag_id_of(folder.key))
    if tag is None:
        library.tags.drop(tag_id_of(folder.key))
        return
    if tag.documents or tag.stages:
        raise Stale(f'the folder "{folder.place.name}" is not empty on the account')
    if nfc(library.placement.folder_of(tag.name) or "") != nfc(folder.place.name):
        raise Stale(f'the folder "{folder.place.name}" was renamed on the account')
    # RACE: an asset that is tagged between the count and this request loses the tag and lies in the root,
    # with its content untouched; the next pass shows it there.
    try:
        library.writes.delete_tag(tag)
    except Stale:
        pass  # somebody else was faster
    library.tags.drop(tag.id)


def _name_for(library: Library, path: str, *, but: int = 0) -> str:
    name = encode_folder(path)
    reason = library.placement.why_not(name)
    if reason:
        raise Rejected(f'"{path}" cannot be a folder on the account: {reason}')
    alike = library.tags.named(name)
    if alike and alike.id != but:
        raise Rejected(
            f'"{path}" cannot be a folder on the account: it has the tag "{alike.name}", '
            "which differs only in case or is no folder"
        )
    return name


def _take_back(library: Library, made: Tag) -> None:
    """Remove a tag that came out under another name, unless somebody uses it already."""
    try:
        tag = library.client.tag(made.id)
        if tag and not tag.documents and not tag.stages:
            library.writes.delete_tag(tag)
    except ReplicaError:
        library.reports.append(f'the tag "{made.name}" was made by mistake and could not be removed')
