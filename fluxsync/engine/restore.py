"""Brings back what a person wants out of the two trashes, in steps that each lose nothing.

Files first: one goes back to its place, and the pass that follows sees that it is the file of the asset that
lies in the trash of the account, which comes out, and nothing is sent. Then the assets of which no file is
here: the trash tag is taken off, and the pass fetches them. Killed anywhere, what was done stays done, and
the rest is in the trash still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain

from fluxsync.core.model import Action, Entry, Item, Kind, Place, State
from fluxsync.core.paths import basename, dirname
from fluxsync.core.restore import InTrash, restored_names
from fluxsync.core.trash import TrashedFile
from fluxsync.engine.pair import Pair
from fluxsync.errors import Rejected, ReplicaError, Stale, Unauthorized, Unavailable
from fluxsync.state.journal import Event

__all__ = ["Back", "Restored", "restore"]


@dataclass(frozen=True, slots=True)
class Back:
    """One thing that is back, where, and what a person should know of it."""

    thing: InTrash
    path: str
    what: str
    moved: bool = True


@dataclass(slots=True)
class Restored:
    """What came of it. `asked` holds the keys of all assets that shall leave the trash of the account."""

    back: list[Back] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


def restore(
    pair: Pair, things: Sequence[InTrash], *, mark: Callable[[float], str], now_s: float, up: bool
) -> Restored:
    """Bring things back. `mark` writes a time into the name of what finds its place taken.

    `up`: the configuration lets the account be changed. Raises `Unavailable`, `Unauthorized`, `Halted`; what
    was done until then stays.
    """
    result = Restored()
    items = {item.path: item for item in pair.journal.items() if item.kind is Kind.FILE}
    number = pair.journal.next_pass()
    present: dict[str, str] = {}
    for thing in sorted((t for t in things if t.file is not None), key=lambda t: (t.path, -t.when)):
        try:
            back = _file(pair, thing, items.get(thing.path), mark)
        except ReplicaError as error:
            result.failures[thing.path] = str(error)
            continue
        result.back.append(back)
        if back.moved:
            pair.journal.record([_event(back, number, now_s)])
        item = items.get(thing.path)
        if item is not None and item.state is State.TRASHED and back.path == thing.path:
            present[item.key] = back.path
            result.asked.add(item.key)
    _assets(pair, things, present, result, number, now_s, up=up)
    return result


def _file(pair: Pair, thing: InTrash, item: Item | None, mark: Callable[[float], str]) -> Back:
    """Put a file back to its place, or beside what has its name now. Raises `ReplicaError`."""
    assert thing.file is not None
    file, local = thing.file, pair.local
    if folder := dirname(file.path):
        local.make_folder(Place("", folder))
    beside = restored_names(file.path, mark(file.when))
    taken = _is_of_another(pair, file, item)
    names: Iterator[str] = beside if taken else chain((file.path,), beside)
    for path in names:
        place = Place(dirname(path), basename(path))
        here = local.look(Entry(Kind.FILE, place))
        if here is not None:
            if here.size == file.size and local.digest(here) == local.trashed_digest(file.where):
                return Back(thing, path, "the same content is there: nothing to do", moved=False)
            taken = "there is another content under its name"
            continue
        try:
            local.restore_trashed(file.where, place)
        except Stale:
            taken = "something else has its name"
            continue
        return Back(thing, path, f"as {basename(path)}: {taken}" if path != file.path else "")
    raise Rejected(f"{file.path}: no name is free beside it")


def _is_of_another(pair: Pair, file: TrashedFile, item: Item | None) -> str:
    """Return why a file must not take its old place though that is free; "" where it may.

    In the place of an asset that is in the trash of the account it would be taken for an edit of that.
    """
    if item is None or item.state not in (State.TRASHED, State.KEPT_THERE):
        return ""
    if file.size == item.size and pair.local.trashed_digest(file.where) == item.digest:
        return ""
    return "a newer content of it is on the account, in the trash"


def _assets(
    pair: Pair,
    things: Sequence[InTrash],
    present: Mapping[str, str],
    result: Restored,
    number: int,
    now_s: float,
    *,
    up: bool,
) -> None:
    """Take the trash tag off the assets of which no file came back here."""
    assets = [t for t in things if t.asset is not None and t.asset.key not in present]
    if not up:
        why = 'the configuration says direction = "down", which never changes the account'
        result.failures.update({thing.path: why for thing in assets})
        return

    def take(thing: InTrash) -> ReplicaError | None:
        assert thing.asset is not None
        try:
            pair.remote.restore(thing.asset)
        except ReplicaError as error:
            return error
        return None

    fatal: ReplicaError | None = None
    with ThreadPoolExecutor(pair.connections, "mover") as pool:
        for thing, error in zip(assets, pool.map(take, assets), strict=True):
            assert thing.asset is not None
            if error is None:
                result.asked.add(thing.asset.key)
                back = Back(thing, thing.path, "out of the trash of the account")
                result.back.append(back)
                pair.journal.record([_event(back, number, now_s)])
            elif isinstance(error, Unavailable | Unauthorized):
                fatal = fatal or error
            else:
                result.failures[thing.path] = str(error)
    if fatal is not None:
        raise fatal


def _event(back: Back, number: int, now_s: float) -> Event:
    key = back.thing.asset.key if back.thing.asset is not None else ""
    detail = back.what or "out of the trash here"
    return Event(now_s, number, str(Action.RESTORE), back.path, key, "done", detail, approved=True)
