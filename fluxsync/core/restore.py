"""What lies in the two trashes, and what of it a person means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fluxsync.core.model import Entry, Item, Side
from fluxsync.core.paths import basename, dirname, is_below, join, nfc, splitext
from fluxsync.core.trash import TrashedFile

__all__ = ["Chosen", "InTrash", "choose", "restored_names", "within"]

#: What is left of a name that gets a mark, so that the whole fits into 255 bytes.
_STEM_BYTES = 180
_MOST_NAMES = 1000


@dataclass(frozen=True, slots=True)
class InTrash:
    """One file in the trash here, or one asset in the trash of the account. Times are seconds since 1970."""

    side: Side
    #: What a person may name it by: the asset's number, or a short text that is made of its place.
    id: str
    path: str
    size: int
    when: float
    why: str = ""
    #: The pass that put it there, or found it there; 0: none that the journal knows.
    pass_number: int = 0
    #: When it leaves the trash by itself; None: never, or nobody knows.
    until: float | None = None
    file: TrashedFile | None = None
    asset: Entry | None = None
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of the trash is meant, what was named and is not there, and how many older contents stay."""

    things: list[InTrash]
    missing: list[str]
    left: int = 0


def within(things: Iterable[InTrash], since_s: float | None, pass_number: int | None) -> list[InTrash]:
    """Return what came into a trash since then, and by that pass."""
    return [
        thing
        for thing in things
        if (since_s is None or thing.when >= since_s)
        and (pass_number is None or thing.pass_number == pass_number)
    ]


def choose(
    things: Sequence[InTrash],
    named: Sequence[tuple[str, Sequence[str]]],
    exists: Callable[[str], bool] | None,
) -> Chosen:
    """Return what a person means by names, each given with the paths that it may stand for.

    A path is its newest content; an id that very one; a folder (a path that ends with "/", or under which
    something lies) the newest of each path in it. With `exists`, of a folder only what is missing now: an
    older content of a file that is there is not what somebody means who wants a folder back.
    """
    chosen: dict[tuple[Side, str], InTrash] = {}
    missing: list[str] = []
    left = 0
    for text, paths in named:
        found: list[InTrash] = []
        for path in map(nfc, paths):
            alike = [thing for thing in things if nfc(thing.path) == path]
            if alike and not text.endswith("/"):
                found = _newest(alike)
                break
            below = [thing for thing in things if not path or is_below(nfc(thing.path), path)]
            if below:
                wanted = [t for t in below if exists is None or not exists(t.path)]
                left += len(below) - len(wanted)
                found = [t for group in _by_path(wanted) for t in _newest(group)]
                break
        else:
            found = [thing for thing in things if thing.id == text]
            if not found:
                missing.append(text)
        chosen.update({(thing.side, thing.id): thing for thing in found})
    return Chosen(list(chosen.values()), missing, left)


def restored_names(path: str, mark: str) -> Iterator[str]:
    """Yield the names beside a path for an older content of it: "logo (restored 2026-11-22 174501).gif"."""
    stem, extension = splitext(basename(path))
    stem = stem.encode(errors="surrogateescape")[:_STEM_BYTES].decode(errors="ignore")
    for number in range(1, _MOST_NAMES):
        end = f" (restored {mark})" if number == 1 else f" (restored {mark}) {number}"
        yield join(dirname(path), f"{stem}{end}{extension}")


def _newest(alike: Sequence[InTrash]) -> list[InTrash]:
    """Return the newest of one path, with what is the same file in the other trash."""
    newest = max(alike, key=lambda thing: (thing.when, thing.side is Side.REMOTE))
    others = [
        t for t in alike if t.side is newest.side.other and t.size == newest.size and _is_known(t, newest)
    ]
    return [newest, *sorted(others, key=lambda thing: thing.when)[-1:]]


def _is_known(one: InTrash, other: InTrash) -> bool:
    """Tell whether the journal knows the asset among the two: then the file may be its content."""
    return (one.item or other.item) is not None


def _by_path(things: Iterable[InTrash]) -> list[list[InTrash]]:
    groups: dict[str, list[InTrash]] = {}
    for thing in things:
        groups.setdefault(nfc(thing.path), []).append(thing)
    return list(groups.values())
