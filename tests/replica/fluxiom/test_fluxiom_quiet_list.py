"""The full list that is not read: true only where a list would show what the last one in step showed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fluxiom_world import Bytes, Clock

from fluxsync.core.model import Item, Kind, Place, Scope
from fluxsync.errors import Halted, Unauthorized, Unavailable
from fluxsync.replica.base import Probe
from fluxsync.replica.fluxiom import replica as adapter
from fluxsync.replica.fluxiom.client import Client
from fluxsync.replica.fluxiom.endpoints import PAGE
from fluxsync.replica.fluxiom.placement import Placement
from fluxsync.replica.fluxiom.quiet_list import QuietList, in_order, mark_of
from fluxsync.replica.fluxiom.replica import Fluxiom
from fluxsync.sandbox.server import Sandbox

ASSETS = 2 * PAGE + 5


class World:
    """An account of three pages, and a replica whose last list was followed by a pass with nothing to do."""

    def __init__(self, server: Sandbox) -> None:
        clock = Clock()
        self.server, self.store = server, server.store
        for number in range(ASSETS):
            self.store.create_asset(f"{number}.gif", b"%d" % number, tags=("Many",))
        self.client = Client(server.url, "demo", "demo", connections=2, clock=clock, sleep=clock.sleep)
        self.facts: dict[str, str] = {}
        self.replica = Fluxiom(self.client, Placement(), sender="DESK-ab12", facts=self.facts)
        self.rest()

    def rest(self, known: dict[str, Item] | None = None) -> None:
        """Take a full list, and hear that there was nothing to do."""
        self.replica.scan(Scope(), known or {})
        self.replica.settled()

    def asked(self) -> list[str]:
        return [record["path"] for record in self.server.requests]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(tmp_path / "account", threads=4) as server:
        world = World(server)
        yield world
        world.replica.close()


def test_an_account_at_rest_is_unchanged_for_as_many_requests_as_a_list(world: World) -> None:
    world.server.clear_requests()
    world.replica.scan(Scope(), {})
    listed = sorted(world.asked())
    world.server.clear_requests()
    assert world.replica.unchanged() is True
    assert sorted(world.asked()) == listed
    assert listed.count("/api/assets.xml") == 3 + 2


def test_no_page_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxsync.replica.fluxiom.scanning.parse_assets", lambda body: 1 / 0)
    assert world.replica.unchanged() is True


def first_id(world: World) -> int:
    return min(asset.id for asset in world.store.assets())


DEEDS: dict[str, Callable[[World], object]] = {
    "a new asset": lambda w: w.store.create_asset("new.gif", b"new"),
    "an empty asset, which no figure shows": lambda w: w.store.create_asset("new.gif", b""),
    "a deleted asset": lambda w: w.store.delete_asset(first_id(w)),
    "a new version": lambda w: w.store.add_version(first_id(w), b"edited", filename="0.gif"),
    "a version of the same size": lambda w: w.store.add_version(first_id(w), b"x", filename="0.gif"),
    "another tag": lambda w: w.store.set_tags(first_id(w), ("Others",)),
    "a renamed tag": lambda w: w.store.rename_tag(w.store.tags()[0].id, "Renamed"),
    "a new tag": lambda w: w.store.create_tag("Fresh"),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_whatever_others_do_shows(world: World, deed: Callable[[World], object]) -> None:
    deed(world)
    assert world.replica.unchanged() is False
    world.rest()
    assert world.replica.unchanged() is True


def test_two_changes_that_no_figure_shows_together_show_in_the_pages(world: World) -> None:
    """What adds up to the same sums and tags is what a full list is for."""
    ids = sorted(asset.id for asset in world.store.assets())
    expected = world.replica.expected()
    world.store.set_tags(ids[0], ())
    world.store.create_asset("new.gif", b"", tags=("Many",))
    assert world.replica.probe() == expected
    assert world.replica.unchanged() is False


def test_the_first_page_that_differs_ends_it(world: World) -> None:
    world.store.set_tags(first_id(world), ())
    world.store.create_asset("new.gif", b"", tags=("Many",))
    pages: list[int] = []
    fetch = world.client.assets_page
    world.replica._quiet._page = lambda number: pages.append(number) or fetch(number)
    world.replica._quiet._width = 1
    assert world.replica.unchanged() is False
    assert len(pages) <= 2


def test_what_changes_while_the_pages_come_shows(world: World) -> None:
    """A page that was compared already may be another one by now: the probe after the last page tells."""
    turns = iter(range(100))

    def go_on() -> None:
        if next(turns) == 4:
            world.store.create_asset("new.gif", b"new")

    assert world.replica.unchanged(go_on) is False


def test_an_own_write_makes_it_unknown_until_a_list_was_decided_on(world: World) -> None:
    world.replica.put(Place("", "mine.gif"), Bytes(b"mine"), None)
    world.server.clear_requests()
    assert world.replica.unchanged() is None
    world.replica.scan(Scope(), {})
    assert world.replica.unchanged() is None
    world.replica.settled()
    assert world.replica.unchanged() is True


def test_an_own_write_after_the_list_of_the_pass_makes_it_unknown(world: World) -> None:
    world.replica.scan(Scope(), {})
    world.replica.make_folder(Place("", "Mine"))
    world.replica.settled()
    assert world.replica.unchanged() is None


def test_before_a_pass_had_nothing_to_do_nobody_can_tell(world: World) -> None:
    fresh = Fluxiom(world.client, Placement(), sender="DESK-ab12", facts={})
    assert fresh.unchanged() is None
    fresh.settled()
    assert fresh.unchanged() is None
    fresh.scan(Scope(), {})
    assert fresh.unchanged() is None
    fresh.settled()
    assert fresh.unchanged() is True


def test_a_list_during_which_others_wrote_is_not_remembered_nor_one_before_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was agreed then stands on two walks; the account may even go back to what an older list showed."""
    fetch, number = world.client.assets_page, first_id(world)
    deeds = [lambda: world.store.set_tags(number, ("Elsewhere",))]

    def page(at: int) -> bytes | None:
        body = fetch(at)
        while at == 5 and deeds:
            deeds.pop()()
        return body

    with monkeypatch.context() as patch:
        patch.setattr(world.client, "assets_page", page)
        assert world.replica.scan(Scope(), {}).complete
    world.replica.settled()
    assert world.replica.unchanged() is None
    world.store.set_tags(number, ("Many",))
    assert world.replica.unchanged() is None


def test_a_list_that_lacked_an_asset_is_not_remembered(world: World) -> None:
    """A request for the asset itself said that it was gone: the pages alone did not."""
    gone = Item(1, Kind.FILE, "gone.gif", "999999", "", "gone.gif")
    world.rest({gone.key: gone})
    assert world.replica.unchanged() is None


def test_pages_that_are_never_the_same_twice_are_given_up(world: World) -> None:
    turns = iter(range(10_000))
    quiet = world.replica._quiet
    fetch = world.client.assets_page
    quiet._page = lambda number: (fetch(number) or b"") + b"<!-- %d -->" % next(turns)
    for _ in range(2):
        assert world.replica.unchanged() is False
        world.rest()
    world.server.clear_requests()
    assert world.replica.unchanged() is None
    assert world.asked() == []


def test_one_that_differed_in_vain_is_forgotten_by_one_that_did_not(world: World) -> None:
    """A text that fluxsync does not sync was edited: that is no reason to give up."""
    for number in range(4):
        world.store.update_asset(first_id(world), description=f"text {number}")
        assert world.replica.unchanged() is False
        world.rest()
        assert world.replica.unchanged() is True


def test_a_refusal_and_another_account_are_errors_as_in_a_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(adapter, "RIGHT", "fly")
        with pytest.raises(Unauthorized):
            world.replica.unchanged()
    world.facts["subdomain"] = "another"
    with pytest.raises(Halted):
        world.replica.unchanged()


def test_whoever_goes_on_may_end_it(world: World) -> None:
    def go_on() -> None:
        raise Unavailable("interrupted", unsent=True)

    with pytest.raises(Unavailable, match="interrupted"):
        world.replica.unchanged(go_on)
    assert world.replica.unchanged() is True


@pytest.mark.parametrize("number", range(1, 6))
def test_each_page_counts_whichever_thread_asks_for_it(number: int) -> None:
    bodies: list[bytes | None] = [b"one", b"two", b"three", None, None]

    def fails(at: int) -> bytes | None:
        if at == number:
            raise Unavailable("the service failed")
        return bodies[at - 1]

    quiet = QuietList(lambda at: bodies[at - 1], lambda: Probe("p"), lambda: 0, width=2)
    quiet.saw(in_order({n: mark_of(body) for n, body in enumerate(bodies, 1)}), Probe("p"), 0)
    quiet.settled()
    assert quiet.unchanged(lambda: None, lambda: None) is True
    quiet._page = fails
    with pytest.raises(Unavailable):
        quiet.unchanged(lambda: None, lambda: None)
    quiet._page = lambda at: b"other" if at == number else bodies[at - 1]
    assert quiet.unchanged(lambda: None, lambda: None) is False


@pytest.mark.parametrize(
    "end", [(b"", None), (None, b""), (b"<documents/>", b"<documents/>"), (None, b"more")]
)
def test_the_end_of_the_list_has_to_be_the_same(end: tuple[bytes | None, ...]) -> None:
    """A page that is not there, and an empty one, are two things."""
    bodies: list[bytes | None] = [b"one", None, None]
    quiet = QuietList(lambda number: bodies[number - 1], lambda: Probe("p"), lambda: 0, width=2)
    quiet.saw(in_order({n: mark_of(body) for n, body in enumerate(bodies, 1)}), Probe("p"), 0)
    quiet.settled()
    assert quiet.unchanged(lambda: None, lambda: None) is True
    bodies[1:] = end
    assert quiet.unchanged(lambda: None, lambda: None) is False


def test_marks_are_those_of_the_pages_without_a_gap() -> None:
    marks = {2: b"b", 1: b"a", 4: b"d"}
    assert in_order(marks) == (b"a", b"b")
    assert mark_of(b"") != mark_of(None)
