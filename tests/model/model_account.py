"""What people do on the account itself: one small deed for each two numbers, always possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from e2e_world import TRASH_TAG
from model_disk import FOLDERS, NAMES
from model_memory import ACCOUNT, Memory

from fluxsync.core.paths import nfc
from fluxsync.sandbox.errors import ApiError
from fluxsync.sandbox.model import Asset, Tag
from fluxsync.sandbox.store import Store

LABELS = ("label 1", "label 2")
#: Names that would leave the root, or mean something to it, if they were taken as they are.
HOSTILE_NAMES = ("../../beside/canary", "..", ".fluxsync", "a/b.gif", "x\ny.gif")
HOSTILE_TAGS = ("../beside", "/etc", ".fluxsync/trash", "E//F", ".")


class Browser:
    """The person who works on the account."""

    def __init__(self, store: Store, memory: Memory, content: Callable[[int], bytes]) -> None:
        self._store = store
        self._memory = memory
        self._content = content

    def do(self, deed: str, i: int, j: int) -> None:
        with self._memory.person_at(ACCOUNT):
            try:
                getattr(self, deed)(i, j)
            except ApiError:
                pass  # the account refuses it (a tag of that name is there): then nothing was done

    # -- choosing

    def assets(self, *, trashed: bool = False) -> Iterator[Asset]:
        for asset in sorted(self._store.assets(), key=lambda asset: asset.id):
            if any(tag.name == TRASH_TAG for tag in asset.tags) == trashed:
                yield asset

    def _asset(self, i: int, *, trashed: bool = False) -> Asset | None:
        assets = list(self.assets(trashed=trashed))
        return assets[i % len(assets)] if assets else None

    def _tags(self) -> list[Tag]:
        return [tag for tag in self._store.tags() if tag.name not in (TRASH_TAG, *LABELS)]

    def _tag(self, i: int) -> Tag | None:
        tags = self._tags()
        return tags[i % len(tags)] if tags else None

    def _home(self, i: int) -> list[int | str]:
        homes: list[list[int | str]] = [[], *([tag.id] for tag in self._tags()), [FOLDERS[i % len(FOLDERS)]]]
        return homes[i % len(homes)]

    def _without_home(self, asset: Asset) -> list[int | str]:
        return [tag.id for tag in asset.tags if tag.name in (TRASH_TAG, *LABELS)]

    def _new(self, j: int) -> bytes:
        content = self._content(j)
        self._memory.wrote(content)
        return content

    # -- content

    def upload(self, i: int, j: int) -> None:
        self._store.create_asset(nfc(NAMES[j % len(NAMES)]), self._new(j), tags=self._home(i))

    def upload_hostile(self, i: int, j: int) -> None:
        tags = [HOSTILE_TAGS[i % len(HOSTILE_TAGS)]] if i % 2 else self._home(i)
        self._store.create_asset(HOSTILE_NAMES[j % len(HOSTILE_NAMES)], self._new(j), tags=tags)

    def upload_same(self, i: int, j: int) -> None:
        """The same bytes, name and place once more."""
        if asset := self._asset(i):
            tags = [tag.id for tag in asset.tags]
            self._store.create_asset(asset.filename, self._store.content(asset.id), tags=tags)

    def version(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._store.add_version(asset.id, self._new(j))

    def version_same(self, i: int, j: int) -> None:
        """A version that holds the very bytes that some asset has."""
        asset, other = self._asset(i), self._asset(j)
        if asset and other:
            self._store.add_version(asset.id, self._store.content(other.id))

    def version_renamed(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._store.add_version(asset.id, self._new(j), nfc(NAMES[j % len(NAMES)]))

    def rename(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._store.add_version(asset.id, self._store.content(asset.id), nfc(NAMES[j % len(NAMES)]))

    def version_of_trashed(self, i: int, j: int) -> None:
        if asset := self._asset(i, trashed=True):
            # Not meant to stay: whoever sees the asset first cannot tell that it was ever new.
            self._store.add_version(asset.id, self._content(j))

    # -- tags of an asset

    def retag(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._store.set_tags(asset.id, [*self._without_home(asset), *self._home(j)])

    def second_home(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._store.set_tags(asset.id, [*(tag.id for tag in asset.tags), *self._home(j)])

    def label(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._store.set_tags(asset.id, [*(tag.id for tag in asset.tags), LABELS[j % len(LABELS)]])

    def unlabel(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._store.set_tags(asset.id, [tag.id for tag in asset.tags if tag.name not in LABELS])

    def trash(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._memory.withdrew(self._store.content(asset.id))
            self._store.set_tags(asset.id, [*(tag.id for tag in asset.tags), TRASH_TAG])

    def untrash(self, i: int, j: int) -> None:
        if asset := self._asset(i, trashed=True):
            self._store.set_tags(asset.id, [tag.id for tag in asset.tags if tag.name != TRASH_TAG])

    # -- the asset itself

    def delete_for_good(self, i: int, j: int) -> None:
        if asset := self._asset(i, trashed=j % 3 == 0):
            self._store.delete_asset(asset.id)

    def title(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._store.update_asset(asset.id, title=f"Title {j}")

    def describe(self, i: int, j: int) -> None:
        if asset := self._asset(i):
            self._store.update_asset(asset.id, description=f"Description {j}")

    # -- tags

    def make_tag(self, i: int, j: int) -> None:
        self._store.create_tag(FOLDERS[i % len(FOLDERS)])

    def rename_tag(self, i: int, j: int) -> None:
        if tag := self._tag(i):
            self._store.rename_tag(tag.id, FOLDERS[j % len(FOLDERS)])

    def swap_tags(self, i: int, j: int) -> None:
        one, other = self._tag(i), self._tag(j)
        if one and other and one.id != other.id:
            self._store.rename_tag(one.id, "swapping")
            self._store.rename_tag(other.id, one.name)
            self._store.rename_tag(one.id, other.name)

    def delete_tag(self, i: int, j: int) -> None:
        if tag := self._tag(i):
            self._store.delete_tag(tag.id)

    def make_tag_again(self, i: int, j: int) -> None:
        """The tag is deleted and made anew: another id, the same name on the same assets."""
        if tag := self._tag(i):
            carrying = [a for a in self._store.assets() if any(t.id == tag.id for t in a.tags)]
            self._store.delete_tag(tag.id)
            for asset in carrying:
                kept = [t.id for t in asset.tags if t.id != tag.id]
                self._store.set_tags(asset.id, [*kept, tag.name])


DEEDS = tuple(name for name in vars(Browser) if not name.startswith("_") and name not in ("do", "assets"))
#: Those that one asset is enough for: somebody else may be at its file meanwhile.
TO_ONE = (
    *("version", "version_same", "version_renamed", "rename", "retag", "second_home", "label"),
    *("trash", "delete_for_good"),
)
