"""The verbs, over the embedded server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from fluxiom_world import BLOCK, Bytes, Clock, digest

from fluxsync.core.model import Entry, Intent, Item, Kind, Place, Rename, Scope, State
from fluxsync.errors import Corrupted, Full, Halted, Rejected, Stale, Unauthorized
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.placement import Placement
from fluxsync.replica.fluxiom.replica import Fluxiom

sandbox = pytest.importorskip("fluxsync.sandbox.server")
UserSpec = pytest.importorskip("fluxsync.sandbox.model").UserSpec

EVERYTHING = Scope()


class World:
    """One account, a replica on it, and a client of somebody else's."""

    def __init__(self, server, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
        self.server = server
        self.clock = Clock()
        self.replicas: list[Fluxiom] = []
        self.clients: list[Client] = []
        self.other = self.client()
        self.replica = self.make()

    def client(self, username: str = "demo", password: str = "demo") -> Client:
        client = Client(self.server.url, username, password, clock=self.clock, sleep=self.clock.sleep)
        self.clients.append(client)
        return client

    def make(self, mapping: Placement | None = None, username: str = "demo", **options: object) -> Fluxiom:
        client = self.client(username, username)
        return Fluxiom(client, mapping or Placement(), sender="DESK-ab12", **options)  # type: ignore[arg-type]

    def requests(self) -> list[str]:
        return [
            f"{record['method']} {record['path'].removeprefix('/api/')}" for record in self.server.requests
        ]

    def file(self, place: Place, data: bytes = b"hello", replica: Fluxiom | None = None) -> Entry:
        return (replica or self.replica).put(place, Bytes(data), None)

    def folder(self, path: str) -> str:
        return self.replica.make_folder(Place("", path)).key

    def now(self, entry: Entry, replica: Fluxiom | None = None) -> Entry | None:
        return (replica or self.replica).look(entry)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    reader = UserSpec("reader", "reader", permissions=("login",))
    with sandbox.Sandbox(tmp_path, users=[reader]) as server:
        world = World(server, tmp_path)
        yield world
        for client in world.clients:
            client.close()


def item(entry: Entry, **changes: object) -> Item:
    row = Item(
        id=1,
        kind=entry.kind,
        path=entry.place.name,
        key=entry.key,
        folder=entry.place.folder,
        name=entry.place.name,
        revision=entry.revision,
        size=entry.size,
        memo=entry.memo,
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def known(*entries: Entry) -> Mapping[str, Item]:
    return {entry.key: item(entry) for entry in entries}


def content(replica: Fluxiom, entry: Entry) -> bytes:
    source = replica.open(entry)
    try:
        data = b"".join(source.blocks())
        assert source.check() == digest(data)
        return data
    finally:
        source.close()


def test_an_empty_account_is_an_empty_complete_snapshot(world: World) -> None:
    snapshot = world.replica.scan(EVERYTHING, {})
    assert (snapshot.files, snapshot.folders, snapshot.complete, snapshot.unknown) == ({}, {}, True, ())


def test_a_pass_in_step_asks_for_no_single_asset(world: World) -> None:
    folder = world.folder("Clients/Acme")
    entries = [world.file(Place(folder, f"{n}.gif"), f"{n}".encode()) for n in range(5)]
    world.replica.scan(EVERYTHING, known(*entries))
    world.server.clear_requests()
    world.replica.scan(EVERYTHING, known(*entries))
    asked = world.requests()
    assert asked[0] == "GET user.xml"
    assert sorted(asked[1:3] + asked[-2:]) == ["GET account.xml"] * 2 + ["GET tags.xml"] * 2
    assert asked[3:-2] == ["GET assets.xml"] * 3


def test_what_goes_up_comes_down_to_the_same_place_on_a_new_machine(world: World) -> None:
    folder = world.folder("Smith, Jane/100%/2024")
    made = world.file(Place(folder, 'lo"go ö.gif'))
    fresh = world.make().scan(EVERYTHING, {})
    assert fresh.folders[folder].place.name == "Smith, Jane/100%/2024"
    assert fresh.folders[folder].carried == 1
    assert fresh.files[made.key].place == Place(folder, 'lo"go ö.gif')
    assert fresh.files[made.key].modified_ns > 0
    assert content(world.replica, made) == b"hello"


def test_a_folder_named_by_digits_is_not_the_tag_of_that_number(world: World) -> None:
    first = world.folder("Other")
    number = first.partition("@")[0]
    folder = world.folder(number)
    made = world.file(Place(folder, "a.gif"))
    assert made.place.folder == folder != first
    assert world.replica.move(made, Place(first, "a.gif")).place.folder == first
    assert sorted(tag.name for tag in world.other.tags()) == sorted(["Other", number])


def test_a_move_is_one_read_and_one_write_and_keeps_labels(world: World) -> None:
    old, new = world.folder("Old"), world.folder("New")
    made = world.file(Place(old, "a.gif"))
    label = world.other.create_tag("approved-by-anna")
    before = world.other.asset(int(made.key))
    assert before
    world.other.update(before.id, "My title", "My text", f"{','.join(map(str, before.tags))},{label.id}")
    labels = Placement(labels=("approved-*",))
    replica = world.make(labels)
    seen = replica.scan(EVERYTHING, known(made)).files[made.key]
    assert (seen.labelled, seen.place.folder) == (True, old)
    world.server.clear_requests()
    moved = replica.move(seen, Place(new, "a.gif"))
    assert world.requests() == [f"GET assets/{made.key}.xml", f"PUT assets/{made.key}.xml"]
    assert (moved.place.folder, moved.revision, moved.key) == (new, 0, made.key)
    after = world.other.asset(int(made.key))
    assert after
    assert set(after.tags.values()) == {"New", "approved-by-anna"}
    assert (after.title, after.description) == ("My title", "My text")


def test_a_file_moves_out_of_the_last_folder_into_the_root(world: World) -> None:
    made = world.file(Place(world.folder("Old"), "a.gif"))
    moved = world.replica.move(made, Place("", "a.gif"))
    assert moved.place == Place("", "a.gif")
    assert world.replica.scan(EVERYTHING, known(moved)).files[made.key].place.folder == ""


def test_a_version_has_the_asset_s_name_and_a_comment_that_tells(world: World) -> None:
    made = world.file(Place("", "a.gif"))
    data = bytes(3 * BLOCK)
    edited = world.replica.put(made.place, Bytes(data), made)
    assert (edited.revision, edited.size, edited.digest, edited.key) == (1, len(data), digest(data), made.key)
    described = world.replica.describe(replace(edited, digest=None), 0)
    assert (described.digest, described.over) == (digest(data), 0)
    newest = world.replica.versions(edited)[0]
    assert (newest.filename, newest.sender, newest.over) == ("a.gif", "DESK-ab12", 0)
    assert content(world.replica, edited) == data


def test_a_plain_edit_is_one_read_and_one_upload(world: World) -> None:
    made = world.file(Place("", "a.gif"))
    world.server.clear_requests()
    world.replica.put(made.place, Bytes(b"edited"), made)
    assert world.requests() == [f"GET assets/{made.key}.xml", f"POST assets/{made.key}/versions.xml"]


def test_a_rename_is_a_version_under_the_new_name_and_the_title_follows(world: World) -> None:
    made = world.file(Place("", "logo.gif"))
    renamed = world.replica.put(Place("", "brand.gif"), Bytes(b"hello"), made)
    assert (renamed.place.name, renamed.key, renamed.revision) == ("brand.gif", made.key, 1)
    asset = world.other.asset(int(made.key))
    assert asset
    assert (asset.filename, asset.title) == ("brand.gif", "brand")


def test_a_title_of_its_own_stays_through_a_rename(world: World) -> None:
    made = world.file(Place("", "logo.gif"))
    world.other.update(int(made.key), "The logo", "", "")
    renamed = world.replica.put(Place("", "brand.gif"), Bytes(b"hello"), made)
    asset = world.other.asset(int(made.key))
    assert asset
    assert (asset.title, renamed.place.name) == ("The logo", "brand.gif")


def test_an_edit_may_move_rename_and_restore_at_once(world: World) -> None:
    made = world.file(Place("", "logo.gif"))
    trashed = world.replica.trash(made).entry
    folder = world.folder("New")
    back = world.replica.put(Place(folder, "brand.gif"), Bytes(b"edited"), trashed)
    assert (back.place, back.trashed, back.revision) == (Place(folder, "brand.gif"), False, 1)
    assert world.now(back) == replace(back, digest=None)


def test_where_the_title_names_a_rename_moves_no_bytes(world: World) -> None:
    replica = world.make(renames=False)
    assert replica.capabilities.rename is Rename.TITLE
    made = world.file(Place("", "logo.gif"), replica=replica)
    assert made.place.name == "logo.gif"
    renamed = replica.move(made, Place("", "brand.gif"))
    assert (renamed.place.name, renamed.revision) == ("brand.gif", 0)
    assert world.make(renames=False).scan(EVERYTHING, {}).files[made.key].place.name == "brand.gif"
    with pytest.raises(Rejected, match="extension"):
        replica.move(renamed, Place("", "brand.png"))
    assert replica.move(renamed, Place("", "logo.gif")).place.name == "logo.gif"


def test_trash_and_restore_keep_place_and_labels(world: World) -> None:
    folder = world.folder("Clients")
    made = world.file(Place(folder, "a.gif"))
    trashed = world.replica.trash(made)
    assert (trashed.where, trashed.entry.trashed, trashed.entry.place) == (made.key, True, made.place)
    snapshot = world.replica.scan(EVERYTHING, known(made))
    assert snapshot.files[made.key].trashed
    assert "fluxsync-trash" not in {entry.place.name for entry in snapshot.folders.values()}
    restored = world.replica.restore(snapshot.files[made.key])
    assert (restored.trashed, restored.place) == (False, made.place)


def test_the_trash_is_the_tag_s_id_whatever_it_is_called(world: World) -> None:
    made = world.file(Place("", "a.gif"))
    trashed = world.replica.trash(made).entry
    world.other.rename_tag(int(world.replica.facts["trash_tag_id"]), "Bin")
    again = world.make(facts=dict(world.replica.facts)).scan(EVERYTHING, known(trashed))
    assert again.files[made.key].trashed
    assert again.folders == {}


def test_a_trash_tag_that_is_gone_as_a_whole_restores_nothing(world: World) -> None:
    made = world.file(Place("", "a.gif"))
    trashed = world.replica.trash(made).entry
    ancestor = {made.key: item(trashed, state=State.TRASHED)}
    assert not world.replica.scan(EVERYTHING, ancestor).trash_lost
    world.other.delete_tag(int(world.replica.facts["trash_tag_id"]))
    snapshot = world.replica.scan(EVERYTHING, ancestor)
    assert snapshot.trash_lost
    assert world.replica.trash(snapshot.files[made.key]).entry.trashed
    restored = world.replica.restore(world.replica.trash(snapshot.files[made.key]).entry)
    ancestor = {made.key: item(trashed, state=State.TRASHED, memo=world.replica.trash(restored).entry.memo)}
    world.replica.restore(replace(restored, trashed=True))
    assert not world.replica.scan(EVERYTHING, ancestor).trash_lost


def changed(world: World, entry: Entry) -> None:
    world.other.add_version(int(entry.key), "a.gif", Bytes(b"somebody else's"), lambda digest: "")


def moved(world: World, entry: Entry) -> None:
    tag = world.other.create_tag("Elsewhere")
    world.other.update(int(entry.key), "a", "", str(tag.id))


def gone(world: World, entry: Entry) -> None:
    world.other.delete(int(entry.key))


def write(world: World, entry: Entry, folder: str, verb: str) -> object:
    replica = world.replica
    match verb:
        case "put":
            return replica.put(entry.place, Bytes(b"mine"), entry)
        case "move":
            return replica.move(entry, Place(folder, entry.place.name))
        case "trash":
            return replica.trash(entry)
        case "relabel":
            return replica.relabel(entry)
    return replica.delete(entry)


@pytest.mark.parametrize(
    ("verb", "what"),
    [(verb, what) for verb in ("put", "move", "trash", "relabel") for what in (changed, moved, gone)]
    + [("delete", changed), ("delete", moved)],
)
def test_nothing_is_overwritten_that_is_not_what_was_expected(world: World, verb: str, what) -> None:  # type: ignore[no-untyped-def]
    made = world.file(Place("", "a.gif"))
    folder = world.folder("New")
    what(world, made)
    before = world.other.asset(int(made.key))
    with pytest.raises(Stale):
        write(world, made, folder, verb)
    assert world.other.asset(int(made.key)) == before


def test_deleting_what_is_gone_is_no_error(world: World) -> None:
    made = world.file(Place("", "a.gif"))
    gone(world, made)
    world.replica.delete(made)


def test_a_version_that_buries_another_is_reported(world: World) -> None:
    made = world.file(Place("", "a.gif"))

    class Slow(Bytes):
        def check(self) -> str:
            changed(world, made)
            return super().check()

    edited = world.replica.put(made.place, Slow(b"mine"), made)
    assert edited.revision == 2
    assert ["version 1" in report for report in world.replica.reports] == [True]
    assert world.replica.describe(edited, 1).over == 0


def test_an_asset_that_is_missing_is_gone_by_its_own_404(world: World) -> None:
    made = world.file(Place("", "a.gif"))
    kept = item(replace(made, key="99"), state=State.KEPT_HERE)
    world.other.delete(int(made.key))
    world.server.clear_requests()
    snapshot = world.replica.scan(EVERYTHING, {**known(made), "99": kept})
    assert (snapshot.files, snapshot.unknown, snapshot.complete) == ({}, (), True)
    assert [r for r in world.requests() if "assets/" in r] == [f"GET assets/{made.key}.xml"]
    assert world.now(made) is None


def test_a_look_at_single_assets_lists_nothing_unless_one_is_not_found(world: World) -> None:
    one, two = (world.file(Place("", f"{n}.gif"), n.encode()) for n in "ab")
    world.server.clear_requests()
    snapshot = world.replica.scan(Scope(frozenset([one.key])), known(one, two))
    assert list(snapshot.files) == [one.key]
    assert "GET assets.xml" not in world.requests()
    world.other.delete(int(one.key))
    snapshot = world.replica.scan(Scope(frozenset([one.key])), known(one, two))
    assert (snapshot.files, snapshot.complete, snapshot.unknown) == ({}, True, ())
    assert "GET assets.xml" in world.requests()


def test_an_id_that_returns_with_another_time_of_creation_is_another_asset(world: World) -> None:
    made = world.file(Place("", "a.gif"))
    old = item(made, memo="1||")
    (entry,) = world.replica.scan(EVERYTHING, {made.key: old}).files.values()
    assert entry.key.startswith(f"{made.key}@")
    again = world.replica.scan(EVERYTHING, known(entry))
    assert list(again.files) == [entry.key]
    folder = world.folder("New")
    assert world.replica.move(entry, Place(folder, "a.gif")).key == entry.key
    assert content(world.replica, entry) == b"hello"


def test_home_stays_while_its_tag_does_however_many_folders_are_added(world: World) -> None:
    home = world.folder("A")
    made = world.file(Place(home, "a.gif"))
    deep = world.other.create_tag("B/C/D")
    label = world.other.asset(int(made.key))
    assert label
    world.other.update(int(made.key), "a", "", f"{','.join(map(str, label.tags))},{deep.id}")
    assert world.replica.scan(EVERYTHING, known(made)).files[made.key].place.folder == home
    fresh = world.make().scan(EVERYTHING, {}).files[made.key]
    assert fresh.place.folder == f"{deep.id}@tag"


def test_a_folder_is_made_once(world: World) -> None:
    first = world.replica.make_folder(Place("", "Clients"))
    assert world.replica.make_folder(Place("", "Clients")) == first
    assert [tag.name for tag in world.other.tags()] == ["Clients"]


@pytest.mark.parametrize(
    ("path", "mapping"),
    [
        ("fluxsync-trash", Placement()),
        ("desk", Placement(extra_tags=("Desk",))),
        ("approved", Placement(labels=("approved",))),
        ("Web", Placement(folders=("/Clients/**",))),
        ("CLIENTS", Placement()),
    ],
)
def test_a_folder_that_cannot_be_one_there_says_why(world: World, path: str, mapping: Placement) -> None:
    world.folder("Clients")
    with pytest.raises(Rejected, match="cannot be a folder"):
        world.make(mapping).make_folder(Place("", path))
    assert [tag.name for tag in world.other.tags()] == ["Clients"]


def test_renaming_a_folder_is_one_request_for_its_tag(world: World) -> None:
    folder = world.replica.make_folder(Place("", "Old"))
    made = world.file(Place(folder.key, "a.gif"))
    renamed = world.replica.move_folder(folder, Place("", "New, better"))
    assert (renamed.key, renamed.place.name) == (folder.key, "New, better")
    snapshot = world.make().scan(EVERYTHING, {})
    assert snapshot.folders[folder.key].place.name == "New, better"
    assert snapshot.files[made.key].place.folder == folder.key
    with pytest.raises(Stale):
        world.replica.move_folder(folder, Place("", "Third"))
    world.folder("Taken")
    with pytest.raises(Stale):
        world.replica.move_folder(renamed, Place("", "Taken"))


def test_a_folder_that_carries_anything_is_not_removed(world: World) -> None:
    folder = world.replica.make_folder(Place("", "Old"))
    made = world.file(Place(folder.key, "a.gif"))
    world.replica.trash(made)
    with pytest.raises(Stale, match="not empty"):
        world.replica.remove_folder(folder)
    world.other.delete(int(made.key))
    world.replica.remove_folder(folder)
    world.replica.remove_folder(folder)
    assert world.replica.look(folder) is None


def test_part_labels_and_extra_tags_come_and_go_with_the_place(world: World) -> None:
    mapping = Placement(part_labels=True, extra_tags=("from-desk",))
    replica = world.make(mapping)
    old = replica.make_folder(Place("", "Clients/Acme")).key
    new = replica.make_folder(Place("", "Clients/Zoo")).key
    made = world.file(Place(old, "a.gif"), replica=replica)
    assert not made.mislabelled
    assert not made.labelled

    def tags() -> set[str]:
        asset = world.other.asset(int(made.key))
        assert asset
        return set(asset.tags.values())

    assert tags() == {"Clients/Acme", "Clients", "Acme", "from-desk"}
    made = replica.move(made, Place(new, "a.gif"))
    assert tags() == {"Clients/Zoo", "Clients", "Zoo", "from-desk"}
    folder = replica.scan(EVERYTHING, known(made)).folders[new]
    replica.move_folder(folder, Place("", "Clients/Park"))
    seen = replica.scan(EVERYTHING, known(made)).files[made.key]
    assert seen.mislabelled
    assert not replica.relabel(seen).mislabelled
    assert tags() == {"Clients/Park", "Clients", "Park", "from-desk"}


def test_a_successor_takes_title_description_and_labels(world: World) -> None:
    folder = world.folder("Clients")
    made = world.file(Place(folder, "a.gif"))
    label = world.other.create_tag("hot")
    asset = world.other.asset(int(made.key))
    assert asset
    world.other.update(asset.id, "Title", "Text", f"{','.join(map(str, asset.tags))},{label.id}")
    heir = world.replica.put(Place(folder, "b.gif"), Bytes(b"new"), None, like=made)
    after = world.other.asset(int(heir.key))
    assert after
    assert (after.title, after.description, set(after.tags.values())) == ("Title", "Text", {"Clients", "hot"})


def test_what_a_lost_answer_left_is_found_by_its_bytes(world: World) -> None:
    folder = world.folder("Clients")
    mark = world.replica.scan(EVERYTHING, {}).mark
    wanted = [Intent(Place(folder, "a.gif"), 5, digest(b"hello"), mark)] * 2
    other = Intent(Place(folder, "a.gif"), 5, digest(b"other"), mark)
    elsewhere = Intent(Place("", "a.gif"), 5, digest(b"hello"), mark)
    made = world.file(Place(folder, "a.gif"))
    assert world.replica.find([other, elsewhere]) == {}
    found = world.replica.find(wanted)
    assert found == {wanted[0]: made}
    later = replace(wanted[0], mark=world.replica.scan(EVERYTHING, {}).mark)
    assert world.replica.find([later]) == {}


def test_a_download_of_what_changed_meanwhile_is_stale(world: World) -> None:
    made = world.file(Place("", "a.gif"))
    changed(world, made)
    source = world.replica.open(made)
    with pytest.raises(Stale):
        list(source.blocks())
    source.close()
    now = world.now(made)
    assert now
    source = world.replica.open(replace(now, digest=digest(b"other")))
    list(source.blocks())
    with pytest.raises(Corrupted):
        source.check()
    source.close()


def test_a_reader_is_told_which_right_is_missing(world: World) -> None:
    with pytest.raises(Unauthorized, match="manage_assets"):
        world.make(username="reader").check_rights()
    world.make(username="reader", direction="down").check_rights()
    world.replica.check_rights()


def test_a_plan_without_versions_is_a_capability(world: World) -> None:
    assert world.replica.capabilities.versions
    world.server.configure(plan="no-versions")
    world.replica.check_rights()
    assert not world.replica.capabilities.versions


def test_another_account_halts(world: World) -> None:
    replica = world.make(facts={"subdomain": "acme"})
    with pytest.raises(Halted, match="rebuild"):
        replica.scan(EVERYTHING, {})
    with pytest.raises(Halted):
        replica.probe()


def test_a_full_account_is_full(world: World) -> None:
    world.server.configure(quota_bytes=10)
    with pytest.raises(Full):
        world.file(Place("", "a.gif"), bytes(100))


def test_the_probe_is_two_requests_and_sees_new_assets(world: World) -> None:
    before = world.replica.probe()
    assert world.replica.probe() == before
    world.server.clear_requests()
    world.file(Place("", "a.gif"))
    world.server.clear_requests()
    assert world.replica.probe() != before
    assert sorted(world.requests()) == ["GET account.xml", "GET tags.xml"]


def test_the_kind_of_an_entry_tells_assets_from_tags_of_one_number(world: World) -> None:
    folder = world.replica.make_folder(Place("", "A"))
    assert folder.kind is Kind.FOLDER
    assert folder.key.partition("@")[0].isdigit()
    with pytest.raises(Rejected):
        world.replica.trash(replace(folder, kind=Kind.FILE))
