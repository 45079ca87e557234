"""Which shorter file was cut by a loss of power, and which was saved so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fluxsync.core.model import EMPTY_DIGEST, Entry, Item, Kind, Place, Snapshot, Stamp
from fluxsync.core.observe import observe_local

WHOLE = Stamp(10, 1_000, 2_000, 77, birth_ns=500)
ITEM = Item(1, Kind.FILE, "a.psd", "9", "", "a.psd", size=10, digest="whole", stamp=WHOLE)


def seen(stamp: Stamp, path: str = "a.psd") -> Snapshot:
    entry = Entry(Kind.FILE, Place("", path), size=stamp.size, digest=EMPTY_DIGEST, stamp=stamp)
    return Snapshot({path: entry}, {})


CASES = [
    ("empty, brought here, time as it was", replace(WHOLE, size=0, ctime_ns=9_000), False, True),
    ("half, brought here, time as it was", replace(WHOLE, size=5, ctime_ns=9_000), False, True),
    ("empty, brought here, saved since", replace(WHOLE, size=0, mtime_ns=9_000), False, False),
    ("empty, brought here, another file", replace(WHOLE, size=0, inode=78), False, False),
    ("longer, brought here, time as it was", replace(WHOLE, size=11), False, False),
    ("other content of this length, time as it was", replace(WHOLE, ctime_ns=9_000), False, False),
    ("empty, written here, both times as they were", replace(WHOLE, size=0), True, True),
    ("empty, written here, its time set back", replace(WHOLE, size=0, ctime_ns=9_000), True, False),
    ("empty, written here, saved since", replace(WHOLE, size=0, mtime_ns=9_000, ctime_ns=9_000), True, False),
]


@pytest.mark.parametrize(("stamp", "made_here", "damaged"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_file_is_cut_short_only_where_nobody_can_have_saved_it(
    stamp: Stamp, made_here: bool, damaged: bool
) -> None:
    update = observe_local(seen(stamp), [replace(ITEM, made_here=made_here)]).updates[1]
    assert (update.damaged, update.edited) == (damaged, not damaged)


def test_a_file_that_was_cut_short_and_moved_is_brought_again_at_its_new_place() -> None:
    update = observe_local(seen(replace(WHOLE, size=0, ctime_ns=9_000), "b.psd"), [ITEM]).updates[1]
    assert (update.damaged, update.edited, update.moved) == (True, False, True)
