"""Local moves: each target is there and free when its turn comes."""

from __future__ import annotations

import pytest

from fluxsync.core.local_order import LocalOrder
from fluxsync.core.model import Action, NameRules
from fluxsync.core.operations import Operation


def move(path: str, target: str, subject: int) -> Operation:
    return Operation(Action.MOVE_LOCAL, path, "", subject, target=target, settles=True)


def make(path: str) -> Operation:
    return Operation(Action.MAKE_FOLDER, path, "", -1)


def run(steps: list[Operation], files: set[str], folders: set[str]) -> tuple[dict[str, str], list[Operation]]:
    """Return where each file ends, by where it was; asserts that no step meets anything."""
    ordered, blocked = LocalOrder(files, folders, NameRules()).order(steps)
    at = {path: path for path in files}
    folders = {*folders, ""}
    for step in ordered:
        if step.action is Action.MAKE_FOLDER:
            assert step.path not in at
            folders.add(step.path)
            continue
        assert step.target not in at
        assert step.target.rpartition("/")[0] in folders
        at[step.target] = at.pop(step.path)
    return {start: end for end, start in at.items()}, blocked


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_cycle_is_opened_by_one_hop(length: int) -> None:
    names = [f"f{n}" for n in range(length)]
    steps = [move(name, names[(n + 1) % length], n) for n, name in enumerate(names)]
    ends, blocked = run(steps, set(names), set())
    assert not blocked
    assert ends == {name: names[(n + 1) % length] for n, name in enumerate(names)}
    ordered, _ = LocalOrder(names, [], NameRules()).order(steps)
    assert len(ordered) == length + 1
    assert sum(not step.settles for step in ordered) == 1


def test_a_long_chain_goes_from_its_end() -> None:
    steps = [move(f"f{n}", f"f{n + 1}", n) for n in range(5000)]
    ends, blocked = run(steps, {f"f{n}" for n in range(5000)}, set())
    assert not blocked
    assert ends["f0"] == "f1"


def test_a_file_leaves_the_place_of_a_folder_before_it_is_made() -> None:
    ends, blocked = run([make("D"), move("a", "D/a", 0), move("D", "E", 1)], {"a", "D"}, set())
    assert not blocked
    assert ends == {"a": "D/a", "D": "E"}


def test_a_file_moves_into_a_folder_of_its_own_name() -> None:
    ends, blocked = run([make("D"), move("D", "D/a", 0)], {"D"}, set())
    assert not blocked
    assert ends == {"D": "D/a"}


def test_what_stands_in_the_way_and_stays_blocks_only_what_needs_its_place() -> None:
    ends, blocked = run([make("D"), move("a", "D/a", 0), move("b", "c", 1)], {"a", "b", "D"}, set())
    assert {step.path for step in blocked} == {"D", "a"}
    assert ends == {"a": "a", "b": "c", "D": "D"}


def test_a_hop_never_takes_a_name_that_is_there() -> None:
    ends, _ = run([move("a", "b", 0), move("b", "a", 1)], {"a", "b", "a (moving 1)", "b (moving 1)"}, set())
    assert (ends["a"], ends["b"]) == ("b", "a")


def test_a_change_of_case_alone_is_free_on_a_disk_that_tells_none_apart() -> None:
    order = LocalOrder({"Logo.gif"}, set(), NameRules(case_sensitive=False))
    ordered, blocked = order.order([move("Logo.gif", "logo.gif", 0)])
    assert [step.target for step in ordered] == ["logo.gif"]
    assert not blocked
