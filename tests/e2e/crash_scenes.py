"""The passes that are stopped at each of their steps: what was in step, what people did, what comes of it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from crash_world import Scene
from e2e_world import Machine, asset_id, live, tag_id, tags_of, trashed

from fluxsync.sandbox.server import Sandbox


def _create(a: Machine, account: Sandbox) -> None:
    a.write("one.txt", "one")
    a.write("New/Sub/two.txt", "two")
    a.write("A/three.txt", "three")


def _edit(a: Machine, account: Sandbox) -> None:
    account.store.update_asset(asset_id(account, "c.txt"), title="A title of its own", description="words")
    account.store.set_tags(asset_id(account, "b.txt"), ["A", "label"])
    a.in_step()
    a.write("A/a.txt", "edited")
    a.move("A/b.txt", "A/renamed.txt")
    a.move("A/c.txt", "A/renamed and edited.txt")
    a.write("A/renamed and edited.txt", "edited, too")


def _edited(a: Machine, account: Sandbox) -> None:
    assets = live(account)
    assert assets["renamed.txt"].title == "renamed"
    assert tags_of(assets["renamed.txt"]) == {"A", "label"}
    assert assets["renamed and edited.txt"].title == "A title of its own"
    assert assets["renamed and edited.txt"].description == "words"


def _move(a: Machine, account: Sandbox) -> None:
    account.store.set_tags(asset_id(account, "a.txt"), ["A", "label"])
    a.in_step()
    a.move("A/a.txt", "B/a.txt")
    a.move("A/b.txt", "b.txt")
    a.move("c.txt", "New/c.txt")
    a.move("A/d.txt", "B/renamed.txt")


def _moved(a: Machine, account: Sandbox) -> None:
    assert tags_of(live(account)["a.txt"]) == {"B", "label"}
    assert {name: asset.version for name, asset in live(account).items()} == {
        "a.txt": 0,
        "b.txt": 0,
        "c.txt": 0,
        "e.txt": 0,
        "renamed.txt": 1,
    }


def _move_there(a: Machine, account: Sandbox) -> None:
    store = account.store
    one, other = asset_id(account, "a.txt"), asset_id(account, "b.txt")
    store.set_tags(asset_id(account, "c.txt"), ["New"])
    store.add_version(asset_id(account, "d.txt"), b"old A/d.txt", "renamed.txt")
    store.set_tags(asset_id(account, "e.txt"), ["B"])
    store.add_version(asset_id(account, "e.txt"), b"edited there")
    a.write("B/f.txt", "edited here")
    store.set_tags(asset_id(account, "f.txt"), ["A"])
    # The two take each other's name.
    store.add_version(one, b"old A/a.txt", "b.txt")
    store.add_version(other, b"old A/b.txt", "a.txt")


def _download(a: Machine, account: Sandbox) -> None:
    account.store.create_asset("one.txt", b"one", tags=["New/Sub"])
    account.store.create_asset("two.txt", b"two")
    account.store.add_version(asset_id(account, "a.txt"), b"edited there")
    account.store.add_version(asset_id(account, "b.txt"), b"edited there, too", "renamed.txt")
    a.path("A/a.txt").chmod(0o640)
    os.setxattr(a.path("A/a.txt"), "user.colour", b"red")


def _downloaded(a: Machine, account: Sandbox) -> None:
    assert a.path("A/a.txt").stat().st_mode & 0o777 == 0o640
    assert os.getxattr(a.path("A/a.txt"), "user.colour") == b"red"


def _conflict(a: Machine, account: Sandbox) -> None:
    a.write("A/a.txt", "here")
    account.store.add_version(asset_id(account, "a.txt"), b"there")
    a.write("A/new.txt", "new here")
    account.store.create_asset("new.txt", b"new there", tags=["A"])


def _delete(a: Machine, account: Sandbox) -> None:
    store = account.store
    a.remove("A/a.txt")
    a.remove("Gone")
    store.set_tags(asset_id(account, "b.txt"), ["A", "fluxsync-trash"])
    store.delete_asset(asset_id(account, "c.txt"))


def _deleted(a: Machine, account: Sandbox) -> None:
    assert set(trashed(account)) == {"a.txt", "b.txt", "d.txt"}


def _delete_for_good(a: Machine, account: Sandbox) -> None:
    a.remove("A/a.txt")
    account.store.delete_asset(asset_id(account, "c.txt"))


def _edit_wins(a: Machine, account: Sandbox) -> None:
    store = account.store
    store.set_tags(asset_id(account, "a.txt"), ["A", "fluxsync-trash"])
    a.write("A/a.txt", "edited here")
    store.delete_asset(asset_id(account, "b.txt"))
    a.write("A/b.txt", "edited here, too")
    a.remove("A/c.txt")
    store.add_version(asset_id(account, "c.txt"), b"edited there")


def _empty(a: Machine, account: Sandbox) -> None:
    account.store.create_tag("New there")
    a.path("New here").mkdir()
    a.path("Empty here").rmdir()
    account.store.delete_tag(tag_id(account, "Empty there"))
    a.clock.wait(100)


def _with_empty_folders(deed: Callable[[Machine, Sandbox], None]) -> Callable[[Machine, Sandbox], None]:
    def first(a: Machine, account: Sandbox) -> None:
        a.path("Empty here").mkdir()
        a.path("Empty there").mkdir()
        a.clock.wait(100)
        a.in_step()
        a.in_step()
        deed(a, account)

    return first


def _rename_folders(a: Machine, account: Sandbox) -> None:
    a.move("Here", "Renamed here")
    account.store.rename_tag(tag_id(account, "There"), "Renamed/There")
    a.write("There/e.txt", "edited")


def _twins(a: Machine, account: Sandbox) -> None:
    """An older asset of the same place, name and bytes turns up beside the one that was created here."""
    older = account.store.create_asset("new.txt", b"new", tags=["A", "fluxsync-trash"])
    a.write("A/new.txt", "new")
    a.in_step()
    account.store.set_tags(older, ["A"])


def _both_full(a: Machine, account: Sandbox) -> None:
    store = account.store
    a.write("A/equal.txt", "equal")
    store.create_asset("equal.txt", b"equal", tags=["A"])
    a.write("A/other.txt", "here")
    store.create_asset("other.txt", b"there", tags=["A"])
    a.write("only here.txt", "only here")
    store.create_asset("only there.txt", b"only there", tags=["B"])


def _rebuilt(a: Machine, account: Sandbox) -> None:
    a.write("A/a.txt", "edited here")
    account.store.add_version(asset_id(account, "b.txt"), b"edited there")
    a.remove("A/c.txt")
    account.store.delete_asset(asset_id(account, "d.txt"))


def _before(*paths: str) -> dict[str, str]:
    return {path: f"old {path}" for path in paths}


SCENES = (
    Scene(
        "create",
        _before("A/a.txt"),
        _create,
        _before("A/a.txt") | {"one.txt": "one", "New/Sub/two.txt": "two", "A/three.txt": "three"},
        sections={"mapping": {"extra_tags": ["from here"]}},
    ),
    Scene(
        "edit and rename",
        _before("A/a.txt", "A/b.txt", "A/c.txt"),
        _edit,
        {
            "A/a.txt": "edited",
            "A/renamed.txt": "old A/b.txt",
            "A/renamed and edited.txt": "edited, too",
        },
        frozenset({"old A/a.txt", "old A/c.txt"}),
        {"mapping": {"labels": ["label"]}},
        check=_edited,
    ),
    Scene(
        "move",
        _before("A/a.txt", "A/b.txt", "c.txt", "A/d.txt", "B/e.txt"),
        _move,
        {
            "B/a.txt": "old A/a.txt",
            "b.txt": "old A/b.txt",
            "New/c.txt": "old c.txt",
            "B/renamed.txt": "old A/d.txt",
            "B/e.txt": "old B/e.txt",
        },
        sections={"mapping": {"labels": ["label"]}},
        check=_moved,
    ),
    Scene(
        "moved there",
        _before("A/a.txt", "A/b.txt", "A/c.txt", "A/d.txt", "A/e.txt", "B/f.txt"),
        _move_there,
        {
            "A/b.txt": "old A/a.txt",
            "A/a.txt": "old A/b.txt",
            "New/c.txt": "old A/c.txt",
            "A/renamed.txt": "old A/d.txt",
            "B/e.txt": "edited there",
            "A/f.txt": "edited here",
        },
        frozenset({"old B/f.txt"}),
    ),
    Scene(
        "download",
        _before("A/a.txt", "A/b.txt"),
        _download,
        {
            "A/a.txt": "edited there",
            "A/renamed.txt": "edited there, too",
            "New/Sub/one.txt": "one",
            "two.txt": "two",
        },
        check=_downloaded,
    ),
    *(
        Scene(
            f"conflict {mode}",
            _before("A/a.txt", "A/b.txt"),
            _conflict,
            after,
            frozenset(),
            {"sync": {"conflict": mode}},
        )
        for mode, after in (
            (
                "keep-both",
                {
                    "A/a.txt": "there",
                    "A/a COPY": "here",
                    "A/new.txt": "new there",
                    "A/new COPY": "new here",
                    "A/b.txt": "old A/b.txt",
                },
            ),
            ("local", {"A/a.txt": "here", "A/new.txt": "new here", "A/b.txt": "old A/b.txt"}),
            ("remote", {"A/a.txt": "there", "A/new.txt": "new there", "A/b.txt": "old A/b.txt"}),
        )
    ),
    Scene(
        "delete",
        _before("A/a.txt", "A/b.txt", "A/c.txt", "Gone/d.txt", "A/e.txt"),
        _delete,
        _before("A/e.txt"),
        check=_deleted,
    ),
    Scene(
        "delete for good",
        _before("A/a.txt", "A/c.txt", "A/e.txt"),
        _delete_for_good,
        _before("A/e.txt"),
        frozenset({"old A/a.txt", "old A/c.txt"}),
        {"sync": {"local_delete": "delete", "remote_delete": "delete"}},
    ),
    Scene(
        "edits win over deletions",
        _before("A/a.txt", "A/b.txt", "A/c.txt"),
        _edit_wins,
        {"A/a.txt": "edited here", "A/b.txt": "edited here, too", "A/c.txt": "edited there"},
        frozenset({"old A/a.txt"}),
    ),
    Scene("empty folders", _before("A/a.txt"), _with_empty_folders(_empty), _before("A/a.txt")),
    Scene(
        "folders renamed",
        _before("Here/a.txt", "Here/b.txt", "Here/Sub/c.txt", "There/d.txt", "There/e.txt"),
        _rename_folders,
        {
            "Renamed here/a.txt": "old Here/a.txt",
            "Renamed here/b.txt": "old Here/b.txt",
            "Renamed here/Sub/c.txt": "old Here/Sub/c.txt",
            "Renamed/There/d.txt": "old There/d.txt",
            "Renamed/There/e.txt": "edited",
        },
        frozenset({"old There/e.txt"}),
    ),
    Scene(
        "plan without versions",
        _before("A/a.txt", "A/b.txt", "A/c.txt"),
        _edit,
        {
            "A/a.txt": "edited",
            "A/renamed.txt": "old A/b.txt",
            "A/renamed and edited.txt": "edited, too",
        },
        sections={"mapping": {"labels": ["label"]}},
        plan="no-versions",
        check=_edited,
    ),
    Scene(
        "renamed by the title",
        _before("A/a.txt", "A/b.txt"),
        lambda a, account: (a.move("A/a.txt", "A/renamed.txt"), a.move("A/b.txt", "New/renamed, too.txt")),
        {"A/renamed.txt": "old A/a.txt", "New/renamed, too.txt": "old A/b.txt"},
        sections={"sync": {"rename": "title"}},
    ),
    Scene(
        "twins",
        _before("A/a.txt"),
        _twins,
        _before("A/a.txt") | {"A/new.txt": "new"},
        check=lambda a, account: set(trashed(account)) == {"new.txt"} or pytest.fail("no twin was withdrawn"),
    ),
    Scene(
        "first merge",
        {},
        _both_full,
        {
            "A/equal.txt": "equal",
            "A/other.txt": "there",
            "A/other COPY": "here",
            "only here.txt": "only here",
            "B/only there.txt": "only there",
        },
    ),
    Scene(
        "rebuild",
        _before("A/a.txt", "A/b.txt", "A/c.txt", "A/d.txt"),
        _rebuilt,
        {
            "A/a.txt": "old A/a.txt",
            "A/a COPY": "edited here",
            "A/b.txt": "edited there",
            "A/b COPY": "old A/b.txt",
            "A/c.txt": "old A/c.txt",
            "A/d.txt": "old A/d.txt",
        },
        afresh=True,
    ),
)

BY_NAME = {scene.name: scene for scene in SCENES}
