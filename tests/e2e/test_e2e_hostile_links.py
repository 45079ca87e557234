"""A link put in the way of a download while it runs: nothing is written through it, at no moment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from e2e_world import Machine
from hostile_account import Answer, Around, Liar, Record

from fluxsync.engine.report import Result
from fluxsync.errors import FluxsyncError, Halted

DOWNLOAD = r"/assets/download/"


@pytest.fixture
def liar(liar: Liar) -> Liar:
    liar.tag(7, "A/B")
    return liar


def swap(path: Path, target: Path) -> None:
    """Put a link in the place of a file or folder, which stays beside it under another name."""
    path.rename(path.with_name(f"{path.name} moved away"))
    path.symlink_to(target)


def halfway(content: bytes, do: Callable[[], None]) -> Answer:
    """Send content, and do something once while it is on its way."""

    def pieces() -> Iterator[bytes]:
        yield content[:2]
        if not done:
            done.append(True)
            do()
        yield content[2:]

    done: list[bool] = []
    answer = Answer(b"", headers={"Content-Type": "image/gif"}, length=len(content))
    object.__setattr__(answer, "body", _Again(pieces))
    return answer


class _Again:
    """An iterable that begins anew for each answer."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces()


@pytest.mark.parametrize("folder", ["A", "A/B"])
def test_a_folder_that_becomes_a_link_gets_nothing(
    liar: Liar, one: Machine, around: Around, folder: str
) -> None:
    liar.add(Record(1, "old.gif", b"older", (7,)))
    one.in_step()
    liar.add(Record(2, "x", b"new 2", (7,)), Record(3, "top.gif", b"on top"))
    (around.outside / "B").mkdir()
    before = sorted(os.listdir(around.outside)), os.listdir(around.outside / "B")
    liar.lie("GET", f"{DOWNLOAD}2", halfway(b"new 2", lambda: swap(one.path(folder), around.outside)))
    report = one.once()
    assert report.result is Result.PARTIAL
    assert any("link" in reason or "folder" in reason for reason in report.failures.values())
    assert one.read("top.gif") == b"on top"
    assert (sorted(os.listdir(around.outside)), os.listdir(around.outside / "B")) == before
    assert (around.outside / "x").read_text() == "precious"


def test_a_file_that_becomes_a_link_is_not_written_through(liar: Liar, one: Machine, around: Around) -> None:
    liar.add(Record(1, "x", b"older", (7,)))
    one.in_step()
    liar.add(Record(1, "x", b"newer!", (7,), version=1))
    liar.lie("GET", DOWNLOAD, halfway(b"newer!", lambda: swap(one.path("A/B/x"), around.outside / "x")))
    assert one.once().result is Result.PARTIAL
    assert one.path("A/B/x").is_symlink()
    around.check()
    one.path("A/B/x").unlink()
    one.path("A/B/x moved away").rename(one.path("A/B/x"))
    liar.honest()
    one.clock.wait(10)
    one.in_step()
    assert one.read("A/B/x") == b"newer!"


@pytest.mark.parametrize("room", [".fluxsync/tmp", ".fluxsync/trash", ".fluxsync"])
def test_our_own_folder_that_becomes_a_link_gets_nothing(
    liar: Liar, one: Machine, around: Around, room: str
) -> None:
    liar.add(Record(1, "x", b"older", (7,)))
    one.in_step()
    for number in range(2, 12):
        liar.add(Record(number, f"{number}.gif", b"new %d" % number))
    liar.add(Record(1, "x", b"newer!", (7,), version=1))
    liar.lie("GET", f"{DOWNLOAD}1$", halfway(b"newer!", lambda: swap(one.root / room, around.outside)))
    report = one.once()
    assert report.result in (Result.PARTIAL, Result.GUARDED, Result.IN_STEP)
    assert one.read("A/B/x") in (b"older", b"newer!")
    around.check()
    with pytest.raises(Halted):
        one.once()
    around.check()


def test_a_link_that_is_there_from_the_start_is_left_alone(liar: Liar, one: Machine, around: Around) -> None:
    one.path("A").symlink_to(around.outside)
    one.path("top.gif").symlink_to(around.outside / "x")
    liar.add(Record(1, "x", b"new", (7,)), Record(2, "top.gif", b"on top"), Record(3, "z.gif", b"z"))
    one.once()
    assert one.read("z.gif") == b"z"
    assert one.path("A").is_symlink()
    assert (around.outside / "x").read_text() == "precious"
    around.check()


@pytest.mark.parametrize("name", ["lock", "root-id", "tmp", "trash", "journal"])
def test_a_root_that_comes_with_links_of_its_own_leads_nowhere(
    liar: Liar, one: Machine, around: Around, name: str
) -> None:
    """A disk from elsewhere may hold anything, in our folder, too."""
    (one.root / ".fluxsync").mkdir()
    target = around.outside / "x" if name in ("lock", "root-id", "journal") else around.outside
    (one.root / ".fluxsync" / name).symlink_to(target)
    liar.add(Record(1, "a.gif", b"hello"))
    with suppress(FluxsyncError):
        one.once()
    around.check()
