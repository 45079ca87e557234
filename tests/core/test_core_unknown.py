"""A file that is there and was not read yet may be the one that another path lost: unknown is not gone."""

from __future__ import annotations

import pytest

from fluxsync.core.model import Entry, Item, Kind, Place, Scope, Snapshot, Stamp, Unknown
from fluxsync.core.observe import Presence, observe_local
from fluxsync.core.paths import basename, dirname


def stamp(inode: int, size: int = 7) -> Stamp:
    return Stamp(size, inode, inode, inode)


def item(number: int, path: str, size: int = 7) -> Item:
    return Item(
        number, Kind.FILE, path, str(number), "", basename(path), 0, size, f"d{number}", stamp(number, size)
    )


def folder(number: int, path: str) -> Item:
    return Item(number, Kind.FOLDER, path, f"t{number}", "", path, stamp=stamp(number, 0))


def file(path: str, digest: str, inode: int, size: int = 7) -> Entry:
    place = Place(dirname(path), basename(path))
    return Entry(Kind.FILE, place, size=size, digest=digest, stamp=stamp(inode, size))


def seen(
    files: list[Entry] = [],  # noqa: B006
    folders: dict[str, int] | None = None,
    unread: dict[str, Stamp | None] | None = None,
    scope: Scope = Scope(),  # noqa: B008
) -> Snapshot:
    return Snapshot(
        {entry.path: entry for entry in files},
        {p: Entry(Kind.FOLDER, Place("", p), stamp=stamp(n, 0)) for p, n in (folders or {}).items()},
        scope=scope,
        unknown=tuple(Unknown(path, "saved a moment ago", stamp) for path, stamp in (unread or {}).items()),
    )


@pytest.mark.parametrize(
    ("unread", "presence"),
    [
        (stamp(1, 900), Presence.UNKNOWN),
        (stamp(99, 7), Presence.UNKNOWN),
        (stamp(99, 900), Presence.GONE),
        (None, Presence.GONE),
    ],
    ids=["its inode", "its size", "neither", "nothing seen of it"],
)
def test_a_vanished_file_is_not_gone_while_an_unread_one_may_be_it(
    unread: Stamp | None, presence: Presence
) -> None:
    view = observe_local(seen(unread={"moved.psd": unread}), [item(1, "old.psd")])
    assert view.updates[1].presence is presence


def test_an_empty_unread_file_is_no_vanished_empty_one() -> None:
    view = observe_local(seen(unread={"new.psd": stamp(9, 0)}), [item(1, "old.psd", size=0)])
    assert view.updates[1].presence is Presence.GONE


def test_a_vanished_file_is_not_found_by_content_where_an_unread_one_has_its_inode() -> None:
    """Read at last, that one is the file; a copy of it that was read before is not."""
    look = seen([file("copy.psd", "d1", 50)], unread={"moved.psd": stamp(1)})
    view = observe_local(look, [item(1, "old.psd")])
    assert view.updates[1].presence is Presence.UNKNOWN
    assert set(view.new_files) == {"copy.psd"}


def test_in_a_renamed_folder_an_unread_file_is_known_by_its_new_path() -> None:
    """Saved by renaming, with another inode and size: nothing but the folder's rename tells which it is."""
    items = [folder(10, "A"), item(1, "A/saved.psd"), item(2, "A/other.psd")]
    look = seen([file("B/other.psd", "d2", 2)], {"B": 10}, {"B/saved.psd": stamp(77, 900)})
    view = observe_local(look, items)
    assert view.updates[10].moved
    assert (view.updates[1].presence, view.updates[1].path) == (Presence.UNKNOWN, "B/saved.psd")
    assert view.updates[2].presence is Presence.HERE


def test_in_a_renamed_folder_what_lies_below_an_unreadable_one_is_unknown() -> None:
    items = [folder(10, "A"), folder(11, "A/sub"), item(1, "A/sub/x.psd"), item(2, "A/other.psd")]
    look = seen([file("B/other.psd", "d2", 2)], {"B": 10, "B/sub": 11}, {"B/sub": None})
    view = observe_local(look, items)
    assert view.updates[11].presence is Presence.UNKNOWN
    assert (view.updates[1].presence, view.updates[1].path) == (Presence.UNKNOWN, "")


def test_an_unread_file_proves_by_its_inode_that_a_folder_was_renamed() -> None:
    items = [folder(10, "A"), item(1, "A/saved.psd")]
    view = observe_local(seen([], {"B": 10}, {"B/saved.psd": stamp(1, 900)}), items)
    assert view.updates[10].moved
    assert (view.updates[1].presence, view.updates[1].path) == (Presence.UNKNOWN, "B/saved.psd")


def test_what_is_out_of_scope_is_unknown() -> None:
    look = seen(scope=Scope(frozenset({"here"})))
    view = observe_local(look, [item(1, "here/x.psd"), item(2, "there/x.psd")])
    assert view.updates[1].presence is Presence.GONE
    assert view.updates[2].presence is Presence.UNKNOWN
