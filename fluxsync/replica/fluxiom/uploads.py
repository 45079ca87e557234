"""Content to the account: a new asset, or a version of one."""

from __future__ import annotations

from dataclasses import replace

from fluxsync.core.model import Entry, Place
from fluxsync.core.paths import nfc, splitext
from fluxsync.errors import Corrupted, Rejected, ReplicaError, Stale
from fluxsync.replica.base import Source
from fluxsync.replica.fluxiom import comment
from fluxsync.replica.fluxiom.entries import asset_id_of, tag_id_of
from fluxsync.replica.fluxiom.library import Library, Overtaken
from fluxsync.replica.fluxiom.retag import moved_tags, title_for
from fluxsync.replica.fluxiom.wire import Asset, Version

__all__ = ["create", "new_version", "resume"]


def create(library: Library, place: Place, content: Source, like: Entry | None = None) -> Entry:
    """Upload a new asset into its folder; its answer is what was meant, or it is mended or put in the trash.

    `like` is the asset that this one succeeds: title, description and labels are taken over.
    Raises `Corrupted` where the service holds another length, `Rejected` where the tags cannot be set.
    """
    home_id = tag_id_of(place.folder)
    if home_id and home_id not in library.tags.folders:
        raise Stale("the folder's tag is gone from the account")
    name, description = nfc(place.name), ""
    title = splitext(name)[0]
    tags = _tags_at(library, home_id)
    if like is not None:
        old = library.fresh(like, trash_too=False)
        description = old.description
        if old.title not in (old.filename, splitext(old.filename)[0]):
            title = old.title
        tags |= old.tags.keys() - {library.tags.trash, tag_id_of(like.place.folder)}
    # RACE: nothing says "only if there is none": another machine may create the same file now. Both assets
    # stay; the next pass sees twins, and equal ones are joined by the creator of the higher id.
    listed = library.tag_list(tags)
    asset, digest = library.writes.create(name, content, title, description, tags, listed)
    if asset.size != content.size:
        _discard(library, asset)
        raise Corrupted(f'"{name}" arrived with {asset.size} bytes instead of {content.size}')
    if frozenset(asset.tags) != tags:
        asset = _mend(library, asset, tags)
    made = replace(library.entry(asset, recorded=home_id, seen=asset.tags), digest=digest)
    return _as_sent(library, made, asset, name)


def new_version(library: Library, place: Place, content: Source, expected: Entry) -> Entry:
    """Upload new content for an asset, under a new name where `place` has one, and out of the trash.

    Raises `Stale` unless the asset still is `expected`, `Corrupted` where the service holds another length.
    """
    before = library.fresh(expected)
    renamed = nfc(place.name) != nfc(expected.place.name)
    by_title = library.by_title
    name = nfc(place.name) if renamed and not by_title else before.filename
    title = title_for(before, place.name) if renamed and by_title else None

    def note(digest: str) -> str:
        return comment.build(library.sender, digest, before.version)

    # RACE: a version that somebody uploads between our read and this request is buried under ours. Its
    # content stays in the asset's history; our version's number tells, and so does "over" in its comment.
    version, digest = library.writes.add_version(before, name, content, note)
    if version.size != content.size:
        raise Corrupted(f'"{name}" arrived with {version.size} bytes instead of {content.size}')
    if version.number != before.version + 1:
        _report_buried(library, before, version)
    asset = replace(
        before,
        version=version.number,
        size=version.size,
        filename=version.filename,
        updated_on=version.updated_on or before.updated_on,
    )
    if renamed or nfc(version.filename) != nfc(before.filename):
        asset = _read_back(library, asset)
        title = title or _title_after(library, before, asset, place.name, renamed=renamed)
    return _completed(library, place, expected, asset, title, digest)


def resume(library: Library, place: Place, expected: Entry, found: Entry) -> Entry:
    """Go on after a version that was sent, but not answered. Raises `Stale` where the asset is gone."""
    asset = library.client.asset(asset_id_of(expected.key))
    if asset is None:
        raise Stale(f'"{expected.place.name}" is gone from the account')
    if (asset.version, asset.size) != (found.revision, found.size):
        # What came after it is news for the next look.
        after = library.entry_after(expected, asset, tag_id_of(expected.place.folder))
        return replace(
            after, place=found.place, revision=found.revision, size=found.size, digest=found.digest
        )
    renamed = nfc(place.name) != nfc(expected.place.name)
    title = None
    if library.by_title:
        before = asset
        title = title_for(asset, place.name) if renamed else None
    else:
        # A version changes no title, so the asset's is still the one from before.
        before = replace(asset, filename=expected.place.name)
    if title is None and (renamed or nfc(asset.filename) != nfc(before.filename)):
        title = _title_after(library, before, asset, place.name, renamed=renamed)
    return _completed(library, place, expected, asset, title, found.digest)


def _completed(
    library: Library, place: Place, expected: Entry, asset: Asset, title: str | None, digest: str | None
) -> Entry:
    """Bring tags and title of an asset to what they shall be after a version, and out of the trash."""
    home_id = tag_id_of(place.folder)
    tags = frozenset(asset.tags)
    if place.folder != expected.place.folder:
        tags = moved_tags(library, asset, expected, home_id)
    tags -= {library.tags.trash}
    if tags != frozenset(asset.tags) or (title is not None and title != asset.title):
        try:
            asset = library.write(asset, tags, title)
        except Overtaken:
            pass  # what we sent is what we know; the next look sees what came after it
    made = library.entry_after(expected, asset, home_id, digest)
    name = nfc(place.name)
    return made if name == nfc(expected.place.name) else _as_sent(library, made, asset, name)


def _as_sent(library: Library, made: Entry, asset: Asset, name: str) -> Entry:
    """Return what was made under the name with which it was sent, whatever the service made of that.

    So the next pass finds it renamed on the account, and the file takes that name; known under the other one
    at once, the file would seem to be renamed here, and be sent again each time.
    """
    if nfc(asset.filename) == name or library.by_title:
        return made
    library.reports.append(f'the service made "{asset.filename}" of the file name "{name}"')
    return replace(made, place=replace(made.place, name=name))


def _tags_at(library: Library, home_id: int) -> frozenset[int]:
    placement, book = library.placement, library.tags
    labels = book.labels([*placement.extra_tags, *placement.labels_at(book.folders.get(home_id, ""))])
    return labels | ({home_id} if home_id else frozenset())


def _mend(library: Library, asset: Asset, tags: frozenset[int]) -> Asset:
    try:
        return library.write(asset, tags)
    except ReplicaError:
        _discard(library, asset)
        raise


def _discard(library: Library, asset: Asset) -> None:
    """Put an asset that came out wrong in the trash, so that no machine takes it for a new file."""
    try:
        library.write(asset, {*asset.tags, library.tags.make_trash()})
    except ReplicaError as error:
        library.reports.append(f"asset {asset.id} came out wrong and could not be put in the trash: {error}")


def _report_buried(library: Library, before: Asset, version: Version) -> None:
    for buried in library.client.versions(before.id):
        if before.version < buried.number < version.number:
            library.reports.append(
                f'version {buried.number} of "{before.filename}", sent by user {buried.user_id}, '
                f"was buried by version {version.number} from here"
            )


def _read_back(library: Library, expected: Asset) -> Asset:
    asset = library.client.asset(expected.id)
    if asset is None:
        raise Stale(f'"{expected.filename}" is gone from the account')
    if (asset.version, asset.size) != (expected.version, expected.size):
        raise Stale(f'"{expected.filename}" has yet newer content on the account')
    return asset


def _alike(one: str, other: str) -> bool:
    """Tell whether two names differ only in what a service may replace: then nothing follows from it."""
    return [c for c in nfc(one) if c.isalnum()] == [c for c in nfc(other) if c.isalnum()]


def _title_after(library: Library, before: Asset, asset: Asset, name: str, *, renamed: bool) -> str | None:
    """Return the title that a rename brings, None where it stays."""
    if nfc(asset.filename) == nfc(before.filename):
        if not renamed or library.facts.get("renames") == "yes" or _alike(name, asset.filename):
            return None
        # Versions do not rename on this account: from now on the title stands for the name, on every machine.
        library.facts["renames"] = "no"
        try:
            return title_for(asset, name)
        except Rejected as error:
            library.reports.append(str(error))
            return None
    if renamed:
        library.facts["renames"] = "yes"
    stem = splitext(asset.filename)[0]
    if nfc(before.title) == nfc(before.filename):
        return asset.filename
    return stem if nfc(before.title) == nfc(splitext(before.filename)[0]) else None
