"""The account's tags as last listed: which are folders, which is the trash, and the making of labels."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, MutableMapping

from fluxsync.core.paths import nfc
from fluxsync.errors import Rejected, Unavailable
from fluxsync.replica.fluxiom.endpoints import Endpoints
from fluxsync.replica.fluxiom.placement import Placement
from fluxsync.replica.fluxiom.wire import Tag
from fluxsync.replica.fluxiom.writes import Writes

__all__ = ["TagBook"]


class _Page:
    """One list of tags, with what follows from it; grows in place, is replaced for everything else."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self.tags: dict[int, Tag] = {}
        self.folders: dict[int, str] = {}
        self.trash = 0
        self._by_name: dict[str, list[Tag]] = {}
        self._by_path: dict[str, int] = {}

    def add(self, tag: Tag) -> None:
        self.tags[tag.id] = tag
        self._by_name.setdefault(nfc(tag.name).casefold(), []).append(tag)
        path = self._placement.folder_of(tag.name)
        if path is not None:
            self.folders[tag.id] = path
            self._by_path[nfc(path)] = min(tag.id, self._by_path.get(nfc(path), tag.id))

    def without_trash(self, trash: int) -> None:
        self.trash = trash
        path = self.folders.pop(trash, None)
        if path is not None and self._by_path.get(nfc(path)) == trash:
            del self._by_path[nfc(path)]

    def at(self, path: str) -> Tag | None:
        return self.tags.get(self._by_path.get(nfc(path), 0))

    def named(self, name: str) -> Tag | None:
        wanted = nfc(name)
        alike = self._by_name.get(wanted.casefold(), ())
        return min(alike, key=lambda tag: (nfc(tag.name) != wanted, tag.id), default=None)


class TagBook:
    """Read by all threads, which look single tags up and walk over none of its mappings."""

    def __init__(
        self, client: Endpoints, writes: Writes, placement: Placement, facts: MutableMapping[str, str]
    ) -> None:
        self._client = client
        self._writes = writes
        self._placement = placement
        self._facts = facts
        self._making = threading.RLock()
        self._page: _Page | None = None
        #: The list that the page is made of, where nothing else is in it.
        self._listed: tuple[Tag, ...] | None = None

    @property
    def tags(self) -> Mapping[int, Tag]:
        return self._now().tags

    @property
    def folders(self) -> Mapping[int, str]:
        """The paths of all tags that are folders."""
        return self._now().folders

    @property
    def trash(self) -> int:
        """The id of the trash tag; 0 where there is none yet."""
        return self._now().trash

    def read(self) -> tuple[Tag, ...]:
        """Ask for the tags and take them over."""
        # Under the lock, so that a tag made while the list is on its way is added to it, not lost by it.
        with self._making:
            tags = self._client.tags()
            if tags is not self._listed:
                self._turn(tags)
                self._listed = tags
            return tags

    def add(self, tag: Tag) -> None:
        """Take over a tag that was made or renamed."""
        with self._making:
            if tag.id in self.tags:
                self._turn([*(t for t in self.tags.values() if t.id != tag.id), tag])
            else:
                self._now().add(tag)
                self._listed = None

    def meet(self, tags: Mapping[int, str]) -> None:
        """Take over those tags of an asset that were made since the last list."""
        known = self._now().tags
        for tag_id, name in tags.items():
            if tag_id not in known:
                self.add(Tag(tag_id, name))

    def drop(self, tag_id: int) -> None:
        with self._making:
            self._turn([t for t in self.tags.values() if t.id != tag_id])

    def named(self, name: str) -> Tag | None:
        """Return the tag of this name, exact before case-folded, among several the lowest id."""
        return self._now().named(name)

    def at(self, path: str) -> Tag | None:
        """Return the tag that means this very folder, among several the lowest id."""
        return self._now().at(path)

    def label(self, name: str) -> int:
        """Return the id of a label, made where there is none.

        Raises `Rejected` where the service made something else of the name.
        """
        found = self.named(name)
        if found:
            return found.id
        with self._making:
            found = self.named(name)
            if found:
                return found.id
            # RACE: another machine may make the same label now. Then there are two of one name: the lower id
            # is used from the next list on, and no asset loses a tag by it.
            made = self.create(nfc(name))
            self.add(made)
            if nfc(made.name).casefold() != nfc(name).casefold():
                raise Rejected(f'the service made "{made.name}" of the tag "{name}"')
            return made.id

    def create(self, name: str) -> Tag:
        """Make a tag. It may be there though no answer came: then the tags are read before the next."""
        try:
            return self._writes.create_tag(name)
        except Unavailable as error:
            if not error.unsent:
                self._page = self._listed = None
            raise

    def labels(self, names: Iterable[str]) -> frozenset[int]:
        return frozenset(self.label(name) for name in names)

    def known_labels(self, names: Iterable[str]) -> frozenset[int]:
        """Return the ids of those labels that exist."""
        return frozenset(tag.id for tag in map(self.named, names) if tag)

    def make_trash(self) -> int:
        """Return the id of the trash tag, made where there is none."""
        with self._making:
            if not self.trash:
                made = self.label(self._placement.trash_tag)
                self._facts["trash_tag_id"] = str(made)
                self._turn(self.tags.values())
            return self.trash

    def _now(self) -> _Page:
        if self._page is None:
            self.read()
        assert self._page is not None
        return self._page

    def _turn(self, tags: Iterable[Tag]) -> None:
        page = _Page(self._placement)
        for tag in sorted(tags, key=lambda tag: tag.id):
            page.add(tag)
        # By id as soon as it is known: renamed on the account, the trash stays the trash.
        trash = int(self._facts.get("trash_tag_id") or 0)
        if trash not in page.tags:
            named = page.named(self._placement.trash_tag)
            trash = named.id if named else 0
            if trash:
                self._facts["trash_tag_id"] = str(trash)
            else:
                self._facts.pop("trash_tag_id", None)
        page.without_trash(trash)
        self._page, self._listed = page, None
