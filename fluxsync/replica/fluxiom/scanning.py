"""A scan: the list turned into a snapshot, with the ancestor's items at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from fluxsync.core.model import Entry, Item, Kind, Problem, Scope, Snapshot, State, Unknown
from fluxsync.replica.base import Probe
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.entries import (
    asset_id_of,
    created_of,
    file_key,
    folder_entry,
    folder_key,
    is_folder_key,
    read_memo,
    tag_id_of,
)
from fluxsync.replica.fluxiom.library import Library
from fluxsync.replica.fluxiom.listing import Listed, confirm, full_list
from fluxsync.replica.fluxiom.quiet_list import in_order, mark_of
from fluxsync.replica.fluxiom.wire import Asset, parse_assets

__all__ = ["Scan"]

_IN_MOTION = (
    "the account kept changing while it was listed: what seems to be deleted there ({} assets) waits for the"
    " next pass"
)


class Scan:
    """One look at the account. The caller has asked for the user in the same pass.

    After `everything`, `marks` holds those of the pages, where these tell all that it showed.
    """

    def __init__(
        self,
        library: Library,
        client: Client,
        probe: Callable[[], Probe],
        known: Mapping[str, Item],
    ) -> None:
        self._library = library
        self._client = client
        self._probe = probe
        self._known = known
        self._replaced: set[str] = set()
        self.marks: tuple[bytes, ...] | None = None

    def everything(self) -> Snapshot:
        """List the account, and ask for each known asset that the list lacks."""
        listed = self.list()
        files = self._entries(listed.assets.values())
        missing = {
            key: asset_id_of(key)
            for key, item in self._known.items()
            # One that is kept here is gone from the account already, and both sides know.
            if item.kind is Kind.FILE and item.state is not State.KEPT_HERE and key and key not in files
        }
        joined, unknown = self._confirm(
            {key: number for key, number in missing.items() if number not in listed.assets}
        )
        files.update(joined)
        lacks = len(missing) - len(joined) - len(unknown)
        if missing:
            self.marks = None  # requests for single assets told the rest
        return Snapshot(
            files=files,
            folders=self._folders(),
            complete=listed.complete,
            problems=() if listed.complete or not lacks else (Problem("", _IN_MOTION.format(lacks)),),
            unknown=unknown,
            probe=listed.last_probe.text,
            replaced=frozenset(self._replaced),
            trash_lost=self._trash_lost(files),
        )

    def members(self, scope: Scope) -> Snapshot:
        """Look at exactly these assets, and at all folders, which one list of tags shows.

        A single 404 might mean a service that is out of order, so one that is not found makes this a full
        list, which says whether the asset is gone.
        """
        members = scope.members or frozenset()
        probe = self._probe()
        numbers = {key: asset_id_of(key) for key in members if not is_folder_key(key)}
        answers = confirm(self._client.asset, numbers.values(), width=self._client.connections)
        if None in answers.values():
            whole = self.everything()
            return replace(
                whole,
                files={key: entry for key, entry in whole.files.items() if key in members},
                unknown=tuple(gap for gap in whole.unknown if gap.path in members),
                scope=scope,
                all_folders=True,
                trash_lost=self._trash_lost({k: e for k, e in whole.files.items() if k in members}),
            )
        files = self._entries(asset for asset in answers.values() if isinstance(asset, Asset))
        unknown = tuple(
            Unknown(key, reason)
            for key, number in numbers.items()
            if isinstance(reason := answers[number], str)
        )
        return Snapshot(
            files=files,
            folders=self._folders(),
            scope=scope,
            all_folders=True,
            unknown=unknown,
            probe=probe.text,
            replaced=frozenset(self._replaced),
            trash_lost=self._trash_lost(files),
        )

    def list(self) -> Listed:
        """Walk the whole list, and remember its length and highest id."""
        facts = self._library.facts
        marks: dict[int, bytes] = {}

        def page(number: int) -> tuple[Asset, ...]:
            body = self._client.assets_page(number)
            marks[number] = mark_of(body)
            return () if body is None else parse_assets(body)

        listed = full_list(
            page,
            self._probe,
            expected=int(facts.get("last_list_length", 0)),
            width=self._client.connections,
        )
        self.marks = in_order(marks) if listed.complete and listed.walks == 1 else None
        facts["last_list_length"] = str(len(listed.assets))
        self._library.highest.saw(max(listed.assets, default=0))
        return listed

    def _entries(self, assets: Iterable[Asset]) -> dict[str, Entry]:
        return {entry.key: entry for entry in map(self._entry, assets)}

    def _entry(self, asset: Asset) -> Entry:
        """Return the asset as an entry, at home where the ancestor and its tags say.

        An id that returns with another time of creation is another asset, and has a key that says so.
        """
        key = str(asset.id)
        created = created_of(asset.created_on)
        for candidate in (key, file_key(asset.id, created)):
            item = self._known.get(candidate)
            if item is None:
                continue
            memo = read_memo(item.memo)
            if memo.created and memo.created != created:
                key = file_key(asset.id, created)
                self._replaced.add(candidate)
                continue
            entry = self._library.entry(asset, recorded=tag_id_of(item.folder), seen=memo.tags, like=memo)
            return entry if entry.key == candidate else replace(entry, key=candidate)
        entry = self._library.entry(asset)
        return entry if entry.key == key else replace(entry, key=key)

    def _confirm(self, missing: Mapping[str, int]) -> tuple[dict[str, Entry], tuple[Unknown, ...]]:
        answers = confirm(self._client.asset, missing.values(), width=self._client.connections)
        unknown = tuple(
            Unknown(key, f"the account does not say whether it is gone: {reason}")
            for key, number in missing.items()
            if isinstance(reason := answers[number], str)
        )
        return self._entries(a for a in answers.values() if isinstance(a, Asset)), unknown

    def _folders(self) -> dict[str, Entry]:
        book = self._library.tags
        return {
            folder_key(tag_id): folder_entry(book.tags[tag_id], path)
            for tag_id, path in list(book.folders.items())
        }

    def _trash_lost(self, files: Mapping[str, Entry]) -> bool:
        """Tell whether the tag that the ancestor's trashed items carried is gone as a whole.

        A trash tag that was taken off one asset restores it; one that was deleted restores nothing.
        """
        trash = self._library.tags.trash
        return any(
            item.state is State.TRASHED
            and key in files
            and not files[key].trashed
            and trash not in read_memo(item.memo).tags
            for key, item in self._known.items()
        )
