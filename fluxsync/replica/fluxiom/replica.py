"""The account as a side: the verbs of the protocol, over the modules that do the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from fluxsync.core.model import (
    Capabilities,
    Entry,
    Intent,
    Item,
    Kind,
    NameRules,
    Place,
    Rename,
    Scope,
    Snapshot,
)
from fluxsync.errors import Halted, Unauthorized
from fluxsync.replica.base import Probe, Source, Trashed
from fluxsync.replica.fluxiom import comment, finding, folders, retag, uploads
from fluxsync.replica.fluxiom.answers import RIGHT
from fluxsync.replica.fluxiom.arrival import Arrival
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.entries import (
    asset_id_of,
    created_of,
    folder_entry,
    read_memo,
    tag_id_of,
)
from fluxsync.replica.fluxiom.figures import Start
from fluxsync.replica.fluxiom.library import Library
from fluxsync.replica.fluxiom.placement import Placement
from fluxsync.replica.fluxiom.quiet_list import QuietList
from fluxsync.replica.fluxiom.scanning import Scan
from fluxsync.replica.fluxiom.version_notes import VersionNote, note_of
from fluxsync.replica.fluxiom.wire import Account, User

__all__ = ["Fluxiom"]


#: The fact that says when the service asked to be left alone, and until when, in seconds since 1970.
_PAUSE = "pause"


class Fluxiom:
    """A `RemoteReplica`.

    `facts` is what has to survive a restart, text by text: the engine stores it after each pass and gives it
    to the constructor. `reports` collects what a person should hear of; whoever reads it empties it.
    """

    def __init__(
        self,
        client: Client,
        mapping: Placement,
        *,
        sender: str,
        renames: bool | None = None,
        direction: str = "both",
        facts: MutableMapping[str, str] | None = None,
    ) -> None:
        self.facts: MutableMapping[str, str] = {} if facts is None else facts
        if renames is not None:
            self.facts["renames"] = "yes" if renames else "no"
        self._client = client
        self._direction = direction
        self._library = Library(client, mapping, sender, self.facts)
        self._quiet = QuietList(
            client.assets_page, self._probe, lambda: self._library.figures.writes, width=client.connections
        )

    @property
    def reports(self) -> list[str]:
        return self._library.reports

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            names=NameRules(max_name_bytes=255),
            rename=Rename.TITLE if self._library.by_title else Rename.BY_CONTENT,
            versions=self.facts.get("versions") != "no",
            digests=False,
        )

    @property
    def service_time(self) -> datetime | None:
        """The service's clock at its last answer."""
        return self._client.server_date

    def check_rights(self) -> None:
        """Ask who the user is and what the plan can.

        Raises `Unauthorized` naming the right that is missing.
        """
        self._demand_rights(self._client.user())
        self._look_at_account()

    def _demand_rights(self, user: User) -> None:
        rights = user.permissions
        needed = ["login"] if self._direction == "down" else ["login", RIGHT]
        for right in needed:
            # An account that lists no rights at all refuses by its answers, if it does.
            if rights and right not in rights:
                raise Unauthorized(f'the user lacks the right "{right}", which sync.direction needs')

    def probe(self) -> Probe | None:
        """Look at the account's statistics and tags: two requests. Raises `Halted` like `scan`."""
        return self._probe()

    def expected(self) -> Probe | None:
        return self._library.figures.expected()

    def settled(self) -> None:
        self._quiet.settled()

    def unchanged(self, go_on: Callable[[], object] = lambda: None) -> bool | None:
        """Fetch the pages of the list without reading them: as many requests as a scan in step has."""
        return self._quiet.unchanged(lambda: self._demand_rights(self._client.user()), go_on)

    def scan(self, scope: Scope, known: Mapping[str, Item]) -> Snapshot:
        """List the account, or look at single assets and all folders.

        A pass in step costs user, account and tags, the pages, account and tags again; a look at N assets
        costs user, account and tags, and one request for each. Raises `Halted` when
        the answer comes from another account than the one that the facts name, `Unauthorized` where the user
        lacks a right that the direction needs.
        """
        user = self._client.user()
        self._demand_rights(user)
        if scope.everything:
            snapshot = self._list(known)
        else:
            snapshot = Scan(self._library, self._client, self._probe, known).members(scope)
        time = self.service_time
        return replace(
            snapshot,
            clock_s=time.timestamp() if time else None,
            mark=finding.mark_of(self._library.highest.id, user.id),
        )

    def _list(self, known: Mapping[str, Item]) -> Snapshot:
        figures = self._library.figures
        start, writes = figures.begin(), figures.writes
        scan = Scan(self._library, self._client, partial(self._probe, start), known)
        snapshot = scan.everything()
        self._quiet.saw(scan.marks, Probe(snapshot.probe), writes)
        # What is unknown may have changed, too: the next list is not to wait for another change.
        figures.adopt(start, complete=snapshot.complete and not snapshot.unknown)
        return snapshot

    def look(self, entry: Entry) -> Entry | None:
        if entry.kind is Kind.FOLDER and not entry.key:
            self._library.tags.read()
            tag = self._library.tags.at(entry.place.name)
            return folder_entry(tag, entry.place.name) if tag else None
        if entry.kind is Kind.FOLDER:
            tag = self._client.tag(tag_id_of(entry.key))
            path = self._library.placement.folder_of(tag.name) if tag else None
            return folder_entry(tag, path) if tag and path is not None else None
        asset = self._client.asset(asset_id_of(entry.key))
        memo = read_memo(entry.memo)
        if asset is None:
            # A 404 says "gone" only where the same user on the same account is answered otherwise.
            self._client.user()
            self._look_at_account()
            return None
        if memo.created and memo.created != created_of(asset.created_on):
            return None
        recorded = tag_id_of(entry.place.folder)
        now = self._library.entry(asset, recorded=recorded, seen=memo.tags, like=memo)
        return replace(now, key=entry.key)

    def open(self, entry: Entry) -> Source:
        """Open the content; it is recorded under the entry's own version, which was read before."""
        asset_id = asset_id_of(entry.key)
        return Arrival(self._library, lambda: self._client.download(asset_id), entry)

    def put(
        self, place: Place, content: Source, expected: Entry | None, *, like: Entry | None = None
    ) -> Entry:
        if expected is not None:
            return uploads.new_version(self._library, place, content, expected)
        return uploads.create(self._library, place, content, like)

    def move(self, entry: Entry, place: Place) -> Entry:
        return retag.move(self._library, entry, place)

    def make_folder(self, place: Place) -> Entry:
        return folders.make_folder(self._library, place)

    def move_folder(self, folder: Entry, place: Place) -> Entry:
        return folders.move_folder(self._library, folder, place)

    def remove_folder(self, folder: Entry) -> None:
        folders.remove_folder(self._library, folder)

    def trash(self, entry: Entry) -> Trashed:
        return retag.trash(self._library, entry)

    def restore(self, entry: Entry) -> Entry:
        return retag.restore(self._library, entry)

    def relabel(self, entry: Entry) -> Entry:
        return retag.relabel(self._library, entry)

    def delete(self, entry: Entry) -> None:
        retag.delete(self._library, entry)

    def describe(self, entry: Entry, since: int) -> Entry:
        if entry.revision == 0:  # a create carries no comment
            return entry
        digest, over = entry.digest, -1
        for version in self._client.versions(asset_id_of(entry.key)):
            note = comment.parse(version.comment)
            if note is None:
                continue
            if (version.number, version.size) == (entry.revision, entry.size):
                digest = note.digest
            if version.number > since:
                over = note.over if over < 0 else min(over, note.over)
        return replace(entry, digest=digest, over=over)

    def versions(self, entry: Entry) -> tuple[VersionNote, ...]:
        """Return the asset's versions, newest first."""
        notes = map(note_of, self._client.versions(asset_id_of(entry.key)))
        return tuple(sorted(notes, key=lambda note: note.number, reverse=True))

    def find(self, intents: Sequence[Intent]) -> Mapping[Intent, Entry]:
        if not intents:
            return {}
        found: dict[Intent, Entry] = {}
        creates = [intent for intent in intents if not intent.key]
        if creates:
            self._client.user()
            listed = Scan(self._library, self._client, self._probe, {}).list()
            found.update(finding.find(self._library, self._client, listed.assets.values(), creates))
        versions = [intent for intent in intents if intent.key]
        found.update(finding.find_versions(self._client, self._library.sender, versions))
        return found

    def resume(self, place: Place, expected: Entry, found: Entry) -> Entry:
        return uploads.resume(self._library, place, expected, found)

    def free_bytes(self) -> int | None:
        return self._look_at_account().available_space

    def keep_away(self, now_s: float) -> None:
        """Ask nothing before the time that the service asked for in an earlier run has passed.

        A clock that was set back since then proves nothing: one request finds out.
        """
        since, _, until = self.facts.get(_PAUSE, "").partition(" ")
        if until and float(since) <= now_s < float(until):
            self._client.stay_away(float(until) - now_s)

    def note_pause(self, now_s: float) -> None:
        """Put among the facts how long the service has asked to be left alone yet."""
        asked_s = self._client.asked_s
        if asked_s:
            self.facts[_PAUSE] = f"{now_s} {now_s + asked_s}"
        else:
            self.facts.pop(_PAUSE, None)

    def close(self) -> None:
        self._client.close()

    def _probe(self, start: Start | None = None) -> Probe:
        return self._library.figures.look(lambda: (self._look_at_account(), self._library.tags.read()), start)

    def _look_at_account(self) -> Account:
        account = self._client.account()
        known = self.facts.setdefault("subdomain", account.subdomain)
        if known != account.subdomain:
            raise Halted(
                f'this is the account "{account.subdomain}", the journal knows "{known}"; '
                "`fluxsync rebuild` merges the folder with it"
            )
        if account.versions is not None:
            self.facts["versions"] = "yes" if account.versions else "no"
        return account
