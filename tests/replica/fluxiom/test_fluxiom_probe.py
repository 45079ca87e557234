"""The probe, and what it would show if nobody but us had changed anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fluxiom_world import Bytes, Clock

from fluxsync.core.model import Entry, Item, Kind, Place, Scope, Snapshot, State
from fluxsync.errors import Corrupted, Full, Halted, Rejected, Stale, Unavailable
from fluxsync.replica.base import Probe
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.figures import Figures, probe_of
from fluxsync.replica.fluxiom.placement import Placement
from fluxsync.replica.fluxiom.replica import Fluxiom
from fluxsync.replica.fluxiom.wire import Account, Asset, Tag, Version
from fluxsync.replica.fluxiom.writes import Highest, Writes
from fluxsync.sandbox.server import Sandbox


class World:
    """An account, and a replica on it; `store` is what others do to the account."""

    def __init__(self, server: Sandbox) -> None:
        clock = Clock()
        self.server, self.store = server, server.store
        self.client = Client(server.url, "demo", "demo", clock=clock, sleep=clock.sleep)
        self.facts: dict[str, str] = {}
        self.replica = Fluxiom(self.client, Placement(), sender="DESK-ab12", facts=self.facts)

    def scan(self, *members: str, known: dict[str, Item] | None = None) -> Snapshot:
        return self.replica.scan(Scope(frozenset(members)) if members else Scope(), known or {})

    def folder(self, path: str) -> Entry:
        return self.replica.make_folder(Place("", path))

    def file(self, name: str, content: bytes = b"hello", folder: str = "") -> Entry:
        return self.replica.put(Place(folder, name), Bytes(content), None)

    def edit(self, entry: Entry, content: bytes) -> Entry:
        return self.replica.put(entry.place, Bytes(content), entry)

    def delete_tag(self, folder: Entry) -> None:
        self.store.delete_tag(int(folder.key.partition("@")[0]))

    @property
    def due(self) -> bool:
        """Whether a probe says that a list is due."""
        expected = self.replica.expected()
        return expected is None or expected != self.replica.probe()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(tmp_path) as server:
        world = World(server)
        yield world
        world.replica.close()


class Once:
    """In the place of a method: something happens before its next call, and never again."""

    def __init__(self, method: Callable[..., Any], happens: Callable[[], object]) -> None:
        self.method = method
        self.happens: list[Callable[[], object]] = [happens]

    def __call__(self, *args: Any) -> Any:
        if self.happens:
            self.happens.pop()()
        return self.method(*args)


class During(Bytes):
    """Content in the middle of which something happens."""

    def __init__(self, data: bytes, happens: Callable[[], object]) -> None:
        super().__init__(data)
        self.happens = happens

    def blocks(self) -> Iterator[bytes]:
        yield from super().blocks()
        self.happens()


def test_a_probe_is_equal_where_space_and_tags_are_in_any_order() -> None:
    account, tags = Account("acme", used_space=1), [Tag(1, "a", 1), Tag(2, "b", 2)]
    probe = probe_of(account, tags)
    assert probe == probe_of(account, tags[::-1])
    for other in ([Tag(1, "a", 2), Tag(2, "b", 2)], [Tag(1, "c", 1), Tag(2, "b", 2)], tags[:1]):
        assert probe != probe_of(account, other)
    assert probe != probe_of(account, [Tag(1, "a", 1), Tag(2, "b", 2, 1)])
    assert probe != probe_of(Account("acme", used_space=2), tags)
    assert probe != probe_of(Account("acme", used_space=1, available_space=1), tags)


def test_a_probe_is_two_requests_and_halts_on_another_account(world: World) -> None:
    world.scan()
    world.server.clear_requests()
    world.replica.probe()
    asked = [record["path"] for record in world.server.requests]
    assert sorted(asked) == ["/api/account.xml", "/api/tags.xml"]
    world.facts["subdomain"] = "another"
    with pytest.raises(Halted):
        world.replica.probe()


def test_tags_that_came_as_they_were_are_not_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe costs the same however many folders there are, as long as they stay as they are."""
    world.folder("A")
    probe = world.replica.probe()
    with monkeypatch.context() as patch:
        patch.setattr("fluxsync.replica.fluxiom.wire.parse_tags", lambda body: 1 / 0)
        patch.setattr("fluxsync.replica.fluxiom.tagbook._Page.add", lambda page, tag: 1 / 0)
        assert world.replica.probe() == probe
    world.store.create_tag("B")
    assert world.replica.probe() != probe
    assert sorted(world.replica._library.tags.folders.values()) == ["A", "B"]


def test_a_tag_made_here_and_taken_away_elsewhere_is_gone_though_the_list_came_as_it_was(
    world: World,
) -> None:
    world.replica.probe()
    made = world.folder("A")
    assert list(world.replica._library.tags.folders.values()) == ["A"]
    world.delete_tag(made)
    world.replica.probe()
    assert list(world.replica._library.tags.folders.values()) == []


def test_what_is_expected_costs_no_request(world: World) -> None:
    world.scan()
    world.server.clear_requests()
    assert world.replica.expected() is not None
    assert world.server.requests == []


# -- writes while a list is under way


def test_an_own_write_while_a_list_runs_is_expected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.file("a.gif")
    pages = Once(world.client.assets_page, lambda: world.file("b.gif"))
    monkeypatch.setattr(world.client, "assets_page", pages)
    assert len(world.scan().files) == 2
    assert pages.happens == []
    assert not world.due


def test_what_others_change_while_a_list_runs_makes_another_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file("a.gif")
    pages = Once(world.client.assets_page, lambda: world.store.create_asset("b.gif", b"theirs"))
    monkeypatch.setattr(world.client, "assets_page", pages)
    assert world.scan().complete
    assert world.due
    world.scan()
    assert not world.due


def test_a_list_that_begins_in_the_middle_of_a_write_makes_nothing_expected(world: World) -> None:
    world.file("a.gif")
    world.replica.put(Place("", "b.gif"), During(b"hello", world.scan), None)
    assert world.replica.expected() is None
    world.scan()
    assert not world.due


def test_a_write_in_the_middle_of_the_first_probe_makes_nothing_expected(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.client, "tags", Once(world.client.tags, lambda: world.file("a.gif")))
    world.scan()
    assert world.replica.expected() is None


def test_a_list_that_is_not_complete_makes_another_due(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.scan()
    assert not world.due
    page = world.client.assets_page

    def changing(number: int) -> bytes | None:
        world.store.create_asset("theirs.gif", b"theirs")
        return page(number)

    monkeypatch.setattr(world.client, "assets_page", changing)
    assert not world.scan().complete
    assert world.replica.expected() is None


def test_a_list_that_leaves_an_asset_unknown_makes_another_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.file("a.gif")
    world.store.delete_asset(int(made.key))

    def broken(number: int) -> Asset | None:
        raise Unavailable("500")

    monkeypatch.setattr(world.client, "asset", broken)
    snapshot = world.scan(known={made.key: row(made)})
    assert (snapshot.complete, [gap.path for gap in snapshot.unknown]) == (True, [made.key])
    assert world.replica.expected() is None


def test_a_list_that_fails_changes_nothing_of_what_is_expected(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file("a.gif")
    world.scan()

    def broken(number: int) -> bytes | None:
        raise Unavailable("500")

    with monkeypatch.context() as patch:
        patch.setattr(world.client, "assets_page", broken)
        with pytest.raises(Unavailable):
            world.scan()
    assert not world.due
    world.file("b.gif")
    assert not world.due
    world.store.create_asset("theirs.gif", b"theirs")
    assert world.due


# -- writes that do not show what they did


@pytest.mark.parametrize("arrived", [False, True])
def test_a_write_without_an_answer_makes_a_list_due(
    world: World, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    world.scan()
    create = world.client.create

    def lost(*args: Any) -> tuple[Asset, str]:
        if arrived:
            create(*args)
        raise Unavailable("no answer")

    monkeypatch.setattr(world.client, "create", lost)
    with pytest.raises(Unavailable):
        world.file("a.gif")
    assert world.replica.expected() is None


def test_a_write_that_was_refused_or_never_left_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.file("a.gif")
    world.scan()
    world.server.configure(quota_bytes=10)
    world.scan()
    with pytest.raises(Full):
        world.file("b.gif", bytes(100))
    with pytest.raises(Rejected):
        world.folder("fluxsync-trash")

    def unsent(*args: Any) -> Asset:
        raise Unavailable("no way there", unsent=True)

    monkeypatch.setattr(world.client, "update", unsent)
    with pytest.raises(Unavailable):
        world.replica.move(made, Place(world.folder("Clients").key, "a.gif"))
    assert not world.due


def test_an_upload_whose_answer_shows_another_size_makes_a_list_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.scan()
    create = world.client.create

    def short(*args: Any) -> tuple[Asset, str]:
        asset, sent = create(*args)
        return replace(asset, size=asset.size - 1), sent

    monkeypatch.setattr(world.client, "create", short)
    with pytest.raises(Corrupted):
        world.file("a.gif")
    assert world.replica.expected() is None


BEFORE = Asset(1, "a.gif", 3, 5, {7: "Here"})
THERE = {8: "There"}


class Answers:
    """A client each of whose requests has the same answer."""

    def __init__(self, answer: Asset | Version | Tag) -> None:
        self.answer = answer

    def create(self, *args: object) -> tuple[object, str]:
        return self.answer, ""

    add_version = create

    def update(self, *args: object) -> object:
        return self.answer

    create_tag = rename_tag = update


def shown(request: str, answer: Asset | Version | Tag) -> Probe | None:
    """Return what is expected after a request that has this answer."""
    figures = Figures({})
    start = figures.begin()
    tags = [Tag(7, "Here", 1), Tag(8, "There"), Tag(9, "Else")]
    figures.look(lambda: (Account("acme", used_space=5, available_space=95), tags), start)
    figures.adopt(start, complete=True)
    writes = Writes(Answers(answer), figures, Highest({}))  # type: ignore[arg-type]
    match request:
        case "create":
            writes.create("b.gif", Bytes(b"four"), "", "", {8}, "8")
        case "version":
            writes.add_version(BEFORE, "a.gif", Bytes(b"four"), str)
        case "update":
            writes.update(BEFORE, "", "", {8}, "8")
        case "create-tag":
            writes.create_tag("New")
        case _:
            writes.rename_tag(Tag(9, "Else"), "New")
    return figures.expected()


def counts(used: int, here: int, there: int, *more: Tag) -> Probe:
    tags = [Tag(7, "Here", here), Tag(8, "There", there), *(more or [Tag(9, "Else")])]
    return probe_of(Account("acme", used_space=used, available_space=100 - used), tags)


@pytest.mark.parametrize(
    ("sent", "answer", "expected"),
    [
        ("create", Asset(2, "b.gif", 0, 4, THERE), counts(9, 1, 1)),
        ("create", Asset(2, "b.gif", 0, 3, THERE), None),
        ("create", Asset(2, "b.gif", 0, 4, {}), None),
        ("create", Asset(2, "b.gif", 0, 4, THERE | {9: "Else"}), None),
        ("version", Version(6, 4, "a.gif", 4), counts(9, 1, 0)),
        ("version", Version(6, 4, "a.gif", 3), None),
        ("version", Version(6, 5, "a.gif", 4), None),
        ("update", replace(BEFORE, tags=THERE), counts(5, 0, 1)),
        ("update", replace(BEFORE, tags=THERE | {9: "Else"}), None),
        ("update", replace(BEFORE, tags={}), None),
        ("update", replace(BEFORE, tags=THERE, version=4), None),
        ("update", replace(BEFORE, tags=THERE, size=6), None),
        ("create-tag", Tag(10, "New"), counts(5, 1, 0, Tag(9, "Else"), Tag(10, "New"))),
        ("create-tag", Tag(9, "Else"), counts(5, 1, 0)),
        ("create-tag", Tag(9, "New"), None),
        ("rename-tag", Tag(9, "New", 4), counts(5, 1, 0, Tag(9, "New"))),
        ("rename-tag", Tag(10, "New"), None),
    ],
)
def test_an_answer_moves_what_is_expected_only_where_it_shows_what_was_meant(
    sent: str, answer: Asset | Version | Tag, expected: Probe | None
) -> None:
    assert shown(sent, answer) == expected


def test_a_version_that_buries_one_of_others_makes_a_list_due(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.file("a.gif")
    world.scan()
    others = Once(world.client.add_version, lambda: world.store.add_version(int(made.key), b""))
    monkeypatch.setattr(world.client, "add_version", others)
    world.edit(made, b"ours")
    assert world.due


def test_a_tag_that_no_list_has_shown_makes_a_list_due(world: World) -> None:
    made = world.file("a.gif")
    world.scan()
    theirs = world.store.create_tag("Theirs")
    world.replica.look(Entry(Kind.FOLDER, Place("", "Theirs")))
    world.replica.move(made, Place(f"{theirs.id}@tag", "a.gif"))
    assert world.replica.expected() is None


def test_a_folder_that_others_emptied_and_we_removed_makes_a_list_due(world: World) -> None:
    """The tag is gone with its count: only what was expected of it tells that assets lay there."""
    folder = world.folder("Clients")
    made = world.file("a.gif", folder=folder.key)
    world.scan()
    world.store.set_tags(int(made.key), [])
    world.replica.remove_folder(folder)
    assert world.due
    assert world.scan().files[made.key].place.folder == ""
    assert not world.due


def test_labels_that_others_set_on_what_we_change_make_a_list_due(world: World) -> None:
    here, there = world.folder("Here"), world.folder("There")
    made, gone = world.file("a.gif", folder=here.key), world.file("b.gif", folder=here.key)
    label = world.store.create_tag("hot")
    world.scan()
    world.store.set_tags(int(made.key), ["Here", label.id])
    world.replica.move(made, Place(there.key, "a.gif"))
    assert world.due
    world.scan()
    world.store.set_tags(int(gone.key), ["Here", label.id])
    world.replica.delete(gone)
    assert world.due


# -- what a version does to the space


def test_deleting_an_asset_with_versions_makes_a_list_due_since_no_answer_shows_their_size(
    world: World,
) -> None:
    made = world.edit(world.file("a.gif"), b"more than before")
    world.scan()
    world.replica.delete(made)
    assert world.replica.expected() is None


def newest_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the account count the newest version of each asset as used space, and no other."""
    state = world.store.state

    def counting() -> Any:
        return replace(state(), used_bytes=sum(asset.size for asset in world.store.assets()))

    monkeypatch.setattr(world.store, "state", counting)


def test_an_account_on_which_buried_versions_take_no_space_costs_one_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest_only(world, monkeypatch)
    made = [world.file(f"{number}.gif", bytes(10 + number)) for number in range(3)]
    world.scan()
    made = [world.edit(entry, bytes(entry.size + 7)) for entry in made]
    assert world.due
    world.scan()
    made = [world.edit(entry, bytes(entry.size + 5)) for entry in made]
    world.replica.delete(made[0])
    assert not world.due
    world.store.create_asset("theirs.gif", b"theirs")
    assert world.due


def test_what_was_learned_of_an_account_holds_for_the_next_run_until_it_proves_wrong(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        newest_only(world, patch)
        made = world.file("a.gif", bytes(10))
        world.scan()
        made = world.edit(made, bytes(100))
        world.scan()
        world.replica = Fluxiom(world.client, Placement(), sender="DESK-ab12", facts=dict(world.facts))
        world.scan()
        made = world.edit(made, bytes(1000))
        assert not world.due
    world.scan()
    made = world.edit(made, bytes(2000))
    assert world.due
    world.scan()
    world.edit(made, bytes(3000))
    assert not world.due


def test_nothing_is_learned_where_others_worked_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.file("a.gif", bytes(10))
    world.scan()
    world.store.create_asset("theirs.gif", b"theirs")
    made = world.edit(made, bytes(100))
    assert world.due
    world.scan()
    world.edit(made, bytes(200))
    assert not world.due


def test_nothing_is_learned_where_others_gave_back_just_as_many_bytes_of_a_folder(world: World) -> None:
    made = world.file("a.gif", bytes(10))
    theirs = world.file("b.gif", bytes(10), folder=world.folder("Clients").key)
    world.scan()
    made = world.edit(made, bytes(100))
    world.store.delete_asset(int(theirs.key))
    assert world.due
    world.scan()
    world.edit(made, bytes(200))
    assert not world.due


def test_what_is_written_while_a_list_runs_does_not_hide_what_it_teaches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest_only(world, monkeypatch)
    one, other = world.file("a.gif", bytes(10)), world.file("b.gif", bytes(20))
    world.scan()
    world.edit(one, bytes(100))
    pages = Once(world.client.assets_page, lambda: world.edit(other, bytes(200)))
    monkeypatch.setattr(world.client, "assets_page", pages)
    world.scan()
    assert world.facts["buried_versions_count"] == "no"


# -- a look at single assets


def row(entry: Entry, **changes: Any) -> Item:
    place = entry.place
    item = Item(1, entry.kind, place.name, entry.key, place.folder, place.name, entry.revision, entry.size)
    return replace(item, memo=entry.memo, **changes)


def test_a_look_at_single_assets_costs_three_requests_and_one_for_each(world: World) -> None:
    folder = world.folder("Clients")
    world.folder("Empty")
    made = [world.file(f"{number}.gif", folder=folder.key) for number in range(5)]
    world.scan()
    world.server.clear_requests()
    snapshot = world.scan(*(entry.key for entry in made[:3]))
    asked = sorted(record["path"].removeprefix("/api/") for record in world.server.requests)
    assert asked == sorted(
        ["account.xml", "tags.xml", "user.xml", *(f"assets/{entry.key}.xml" for entry in made[:3])]
    )
    assert snapshot.files.keys() == {entry.key for entry in made[:3]}
    assert {entry.place.name for entry in snapshot.folders.values()} == {"Clients", "Empty"}
    assert snapshot.probe == world.replica.expected().text  # type: ignore[union-attr]


def test_a_look_at_a_deleted_asset_does_not_pass_for_a_list(world: World) -> None:
    gone = world.file("a.gif")
    world.scan()
    world.store.delete_asset(int(gone.key))
    world.store.create_asset("b.gif", b"theirs")
    snapshot = world.scan(gone.key)
    assert (snapshot.files, snapshot.all_folders) == ({}, True)
    assert world.due


def test_a_look_at_single_assets_says_that_the_trash_tag_is_gone_as_a_whole(world: World) -> None:
    trashed = world.replica.trash(world.file("a.gif")).entry
    known = {trashed.key: row(trashed, state=State.TRASHED)}
    assert not world.scan(trashed.key, known=known).trash_lost
    world.store.delete_tag(next(tag.id for tag in world.store.tags() if tag.name == "fluxsync-trash"))
    assert world.scan(trashed.key, known=known).trash_lost


def test_a_look_at_single_assets_names_those_whose_id_means_another_one(world: World) -> None:
    made = world.file("a.gif")
    known = {made.key: row(replace(made, memo=f"1|{made.memo.partition('|')[2]}"))}
    assert world.scan(made.key, known=known).replaced == {made.key}


# -- the highest id


def test_the_highest_id_only_rises_whoever_saw_it(world: World) -> None:
    highest = Highest(world.facts)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(highest.saw, [5, 900, *range(899), 3]))
    assert (highest.id, world.facts["highest_id"]) == (900, "900")


def test_two_that_see_ids_at_once_leave_the_higher_one() -> None:
    class Slow(dict[str, str]):
        """Facts that another thread uses between a read and the write that follows it."""

        def get(self, *args: Any) -> Any:
            found = super().get(*args)
            if not others:
                others.append(threading.Thread(target=highest.saw, args=(900,)))
                others[0].start()
                others[0].join(0.2)
            return found

    others: list[threading.Thread] = []
    highest = Highest(Slow())
    highest.saw(5)
    others[0].join(10)
    assert highest.id == 900


def test_an_asset_sent_from_here_counts_as_seen_even_where_it_came_out_wrong(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.file("a.gif")
    assert world.facts["highest_id"] == made.key
    create = world.client.create

    def short(*args: Any) -> tuple[Asset, str]:
        asset, sent = create(*args)
        return replace(asset, size=1), sent

    monkeypatch.setattr(world.client, "create", short)
    with pytest.raises((Corrupted, Stale)):
        world.file("b.gif")
    assert int(world.facts["highest_id"]) == int(made.key) + 1
