"""What the verbs share: an asset as an entry, a fresh look at it, and a change that is verified."""

from __future__ import annotations

from collections.abc import Collection, MutableMapping
from dataclasses import replace

from fluxsync.core.model import Entry, Kind, Place
from fluxsync.core.paths import nfc
from fluxsync.errors import Rejected, Stale
from fluxsync.replica.fluxiom.endpoints import Endpoints
from fluxsync.replica.fluxiom.entries import (
    Memo,
    asset_id_of,
    created_of,
    effective_name,
    file_key,
    folder_key,
    instant_ns,
    read_memo,
    tag_id_of,
)
from fluxsync.replica.fluxiom.figures import Figures
from fluxsync.replica.fluxiom.placement import Placement, home
from fluxsync.replica.fluxiom.tagbook import TagBook
from fluxsync.replica.fluxiom.wire import Asset
from fluxsync.replica.fluxiom.writes import Highest, Writes

__all__ = ["Gone", "Library", "Overtaken"]


class Overtaken(Stale):
    """Somebody uploaded a version between our read and our write."""


class Gone(Stale):
    """The asset is not on the account any more."""


class Library:
    """One account with the rules of its mapping. `reports` holds what a person should hear of.

    Whatever changes the account goes through `writes`; `client` is for reading.
    """

    def __init__(
        self, client: Endpoints, placement: Placement, sender: str, facts: MutableMapping[str, str]
    ) -> None:
        self.client = client
        self.placement = placement
        self.sender = sender
        self.facts = facts
        self.figures = Figures(facts)
        self.highest = Highest(facts)
        self.writes = Writes(client, self.figures, self.highest)
        self.tags = TagBook(client, self.writes, placement, facts)
        self.reports: list[str] = []

    @property
    def by_title(self) -> bool:
        """Whether the title stands for the name, by configuration or because versions do not rename here."""
        return self.placement.rename == "title" or self.facts.get("renames") == "no"

    def is_trashed(self, asset: Asset) -> bool:
        return self.tags.trash != 0 and self.tags.trash in asset.tags

    def entry(
        self,
        asset: Asset,
        *,
        recorded: int | None = None,
        seen: Collection[int] = (),
        like: Memo | None = None,
    ) -> Entry:
        """Return an asset as an entry, at home where the record and its tags say."""
        self.tags.meet(asset.tags)
        folders = self.tags.folders
        lies = home(asset.tags, seen, recorded, folders)
        path = folders.get(lies, "")
        path_labels: frozenset[int] = frozenset()
        labelled, mislabelled = "", False
        if self.placement.part_labels:
            labelled = like.labelled if like else path
            wanted = self.placement.labels_at(path)
            # A folder that was renamed leaves the parts of its old path behind on its assets.
            over = self.tags.known_labels(self.placement.labels_at(labelled) - wanted) - {lies}
            have = self.tags.known_labels(wanted)
            mislabelled = (
                len(have) < len(wanted) or not have <= asset.tags.keys() or bool(over & asset.tags.keys())
            )
            labelled = labelled if mislabelled else path
            path_labels = have | over
        own = {lies, self.tags.trash} | path_labels | self.tags.known_labels(self.placement.extra_tags)
        memo = Memo(created_of(asset.created_on), frozenset(asset.tags), labelled)
        return Entry(
            Kind.FILE,
            Place(folder_key(lies), effective_name(asset, by_title=self.by_title)),
            key=file_key(asset.id),
            revision=asset.version,
            size=asset.size,
            trashed=self.is_trashed(asset),
            mislabelled=mislabelled,
            labelled=not own.issuperset(asset.tags),
            modified_ns=instant_ns(asset.updated_on),
            memo=memo.text(),
        )

    def entry_after(self, entry: Entry, asset: Asset, home_id: int, digest: str | None = None) -> Entry:
        """Return what is there after a write that left the asset in the folder with this tag."""
        after = self.entry(asset, recorded=home_id, seen=asset.tags, like=read_memo(entry.memo))
        same_content = (entry.revision, entry.size) == (after.revision, after.size)
        return replace(after, key=entry.key, digest=digest or (entry.digest if same_content else None))

    def fresh(self, entry: Entry, *, trash_too: bool = True, bound_for: int | None = None) -> Asset:
        """Read an asset afresh; raise `Stale` unless it still is that entry, in the same place.

        With `trash_too` false it may have gone to the trash, or come back, since. It may also lie already in
        the folder whose tag is `bound_for`: there an earlier request may have brought it, whose answer was
        lost.
        """
        asset = self.client.asset(asset_id_of(entry.key))
        memo = read_memo(entry.memo)
        if asset is None:
            raise Gone(f'"{entry.place.name}" is gone from the account')
        if memo.created and created_of(asset.created_on) != memo.created:
            raise Stale(f'the id of "{entry.place.name}" means another asset now')
        if (asset.version, asset.size) != (entry.revision, entry.size):
            raise Stale(f'"{entry.place.name}" has new content on the account')
        if nfc(effective_name(asset, by_title=self.by_title)) != nfc(entry.place.name):
            raise Stale(f'"{entry.place.name}" was renamed on the account')
        recorded = tag_id_of(entry.place.folder)
        self.tags.meet(asset.tags)
        arrived = bound_for in asset.tags and recorded not in asset.tags
        if not arrived and home(asset.tags, memo.tags, recorded, self.tags.folders) != recorded:
            raise Stale(f'"{entry.place.name}" was moved on the account')
        if trash_too and self.is_trashed(asset) != entry.trashed:
            raise Stale(f'"{entry.place.name}" was put in the trash of the account, or taken out')
        return asset

    def write(self, asset: Asset, tags: Collection[int], title: str | None = None) -> Asset:
        """Set an asset's tags, and its title where one is given; everything else is sent as it was read.

        `asset` comes from a read of its own (lists carry no description). Returns the answer, verified. A
        difference is mended once. Raises `Rejected`, `Stale` where one of the tags is gone, and `Overtaken`
        where the answer shows content that the read did not: the tags are set, but nobody here knows it yet.
        """
        wanted = frozenset(tags)
        # RACE: no request says what it expects, so a change of title, description or tags that somebody makes
        # between our read and this request is undone by it. It costs a label or a title, never content.
        answer = self._update(asset, wanted, title, by_name=self.facts.get("tags_by") == "name")
        if frozenset(answer.tags) != wanted:
            answer = self._mend(asset, answer, wanted, title)
        if (answer.version, answer.size) != (asset.version, asset.size):
            raise Overtaken(f'"{asset.filename}" has new content on the account')
        if title is not None and nfc(answer.title) != nfc(title):
            raise Rejected(f'the service made "{answer.title:.80}" of the title "{title:.80}"')
        return answer

    def tag_list(self, tags: Collection[int], *, by_name: bool | None = None) -> str:
        """Return tags as a request carries them: ids, or names where the service takes digits for a name."""
        if by_name is None:
            by_name = self.facts.get("tags_by") == "name"
        if not by_name:
            return ",".join(map(str, sorted(tags)))
        names = [self.tags.tags[tag].name for tag in sorted(tags) if tag in self.tags.tags]
        for name in names:
            if "," in name or name.isdigit():
                raise Rejected(
                    f'the tag "{name}" cannot be sent by name, and the service takes ids for names'
                )
        return ",".join(names)

    def took_digits_for_names(self, asset: Asset, wanted: Collection[int]) -> bool:
        """Tell from an answer whether the ids that were sent became names of tags."""
        names = set(asset.tags.values())
        return any(tag not in asset.tags and str(tag) in names for tag in wanted)

    def _update(self, asset: Asset, tags: Collection[int], title: str | None, *, by_name: bool) -> Asset:
        title = asset.title if title is None else title
        listed = self.tag_list(tags, by_name=by_name)
        return self.writes.update(asset, title, asset.description, tags, listed)

    def _mend(self, asset: Asset, answer: Asset, wanted: frozenset[int], title: str | None) -> Asset:
        by_name = self.took_digits_for_names(answer, wanted)
        if by_name:
            self.tags.read()
            self._refuse_gone(asset, answer, wanted)
        answer = self._update(asset, wanted, title, by_name=by_name)
        if frozenset(answer.tags) == wanted:
            if by_name:
                self.facts["tags_by"] = "name"
            return answer
        self.tags.read()
        self._refuse_gone(asset, answer, wanted)
        raise Rejected(
            f'the service did not set the tags of "{asset.filename}" as asked: '
            f"missing {sorted(wanted - answer.tags.keys())}, too many {sorted(answer.tags.keys() - wanted)}"
        )

    def _refuse_gone(self, asset: Asset, answer: Asset, wanted: Collection[int]) -> None:
        """Raise `Stale` where a wanted tag is gone; a tag that its digits were taken to name goes, too."""
        gone = {tag for tag in wanted if tag not in self.tags.tags}
        if not gone:
            return
        names = {str(tag) for tag in gone}
        made = {tag for tag, name in answer.tags.items() if name in names and tag not in asset.tags}
        if made:
            before = asset.tags.keys() & self.tags.tags.keys()
            self._update(asset, before - made, None, by_name=self.facts.get("tags_by") == "name")
        for tag_id in made:
            # RACE: somebody may put it on an asset between the two requests, and loses a label of digits.
            tag = self.client.tag(tag_id)
            if tag is not None and not tag.documents and not tag.stages:
                self.writes.delete_tag(tag)
                self.tags.drop(tag_id)
        raise Stale(f'a tag of "{asset.filename}" is gone from the account: {min(gone)}')
