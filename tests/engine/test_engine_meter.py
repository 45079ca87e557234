"""What moves is counted, by direction and by transfer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fluxsync.engine.hand import Hand
from fluxsync.engine.live import Live
from fluxsync.engine.meter import Meter, Moving
from fluxsync.engine.onlooker import Onlooker, watcher_for
from fluxsync.errors import Unavailable


class Content:
    """Six bytes, in three blocks."""

    size = 6

    def blocks(self) -> Iterator[bytes]:
        yield from (b"ab", b"cd", b"ef")

    def check(self) -> str:
        return ""

    def close(self) -> None:
        pass


def test_a_transfer_under_way_is_shown_with_the_bytes_of_this_attempt() -> None:
    meter = Meter()
    up = meter.upward(Content(), "create", "A/new.gif")
    down = meter.downward(Content(), "download", "B/other.gif")
    assert meter.moving() == (Moving("create", "A/new.gif", 6), Moving("download", "B/other.gif", 6))
    blocks = up.blocks()
    next(blocks)
    next(blocks)
    assert meter.moving()[0] == Moving("create", "A/new.gif", 6, 4)
    assert len(list(up.blocks())) == 3
    assert meter.moving()[0].moved == 6
    up.close()
    down.close()
    assert meter.moving() == ()
    assert (meter.bytes_up, meter.bytes_down) == (10, 0)


def test_whoever_looks_on_is_told_both_directions_apart() -> None:
    live = Live(lambda: ())
    sums: list[int] = []
    other = watcher_for(Onlooker(on_bytes=sums.append))
    with Hand(lambda: None, live).watching(other) as watcher:
        content = watcher.meter.downward(Content(), "download", "a.gif")
        blocks = content.blocks()
        assert live.status().moving == (Moving("download", "a.gif", 6, 0),)
        next(blocks)
        assert live.status().moving == (Moving("download", "a.gif", 6, 2),)
        next(blocks)
        watcher.meter.add(5, up=True)
    assert live.status().moving == ()
    assert (other.meter.bytes_up, other.meter.bytes_down) == (5, 4)
    assert sums == [2, 4, 9]


def test_a_transfer_that_was_broken_off_is_not_shown_any_more() -> None:
    meter = Meter()
    content = meter.upward(Content(), "version", "a.gif")
    meter.stop()
    try:
        with pytest.raises(Unavailable):
            list(content.blocks())
    finally:
        content.close()
    assert meter.moving() == ()


def test_what_is_under_way_waits_no_more() -> None:
    live = Live(lambda: ("a.gif", "b.gif"))
    with Hand(lambda: None, live).watching() as watcher:
        content = watcher.meter.upward(Content(), "create", "a.gif")
        assert [row.path for row in live.status().waiting] == ["b.gif"]
        content.close()
        assert [row.path for row in live.status().waiting] == ["a.gif", "b.gif"]
