"""What two people do to one account at the same moment, and every way in which that may end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from e2e_world import Machine, put_tags, tag_id

from fluxsync.sandbox.server import Sandbox

__all__ = ["COPY", "STORIES", "Story"]

Deed = Callable[[Machine, Sandbox], object]
Tree = dict[str, str]

#: The name of a conflict copy in an end; "(ID)" stands for an asset's id.
COPY = "copy"


@dataclass(frozen=True)
class Story:
    """Files that are in step, two deeds, and the trees that they may end in."""

    name: str
    before: Tree
    here: Deed
    there: Deed
    ends: tuple[Tree, ...]
    #: Contents that somebody saved over or deleted for good, knowing them.
    given_up: frozenset[str] = frozenset()
    #: `there` is done by a person on the account itself, not on a machine.
    by_hand: bool = False

    def __str__(self) -> str:
        return self.name


def write(path: str, content: str) -> Deed:
    return lambda machine, account: machine.write(path, content)


def move(old: str, new: str) -> Deed:
    return lambda machine, account: machine.move(old, new)


def remove(path: str) -> Deed:
    return lambda machine, account: machine.remove(path)


def retag(filename: str, tag: str) -> Deed:
    return lambda machine, account: put_tags(account, filename, tag)


def rename_tag(old: str, new: str) -> Deed:
    return lambda machine, account: account.store.rename_tag(tag_id(account, old), new)


def purge(filename: str) -> Deed:
    def deed(machine: Machine, account: Sandbox) -> None:
        (asset,) = [asset for asset in account.store.assets() if asset.filename == filename]
        account.store.delete_asset(asset.id)

    return deed


def delete_tag(tag: str) -> Deed:
    return lambda machine, account: account.store.delete_tag(tag_id(account, tag))


def _make_folder(machine: Machine) -> None:
    for number in "12":
        machine.write(f"New/{number}.txt", f"same {number}")


def _move_and_edit(machine: Machine) -> None:
    machine.move("A/one.txt", "B/one.txt")
    machine.write("B/one.txt", "here")


def _replace(machine: Machine) -> None:
    machine.remove("A/one.txt")
    machine.write("A/one.txt", "new!")


def _swap(machine: Machine) -> None:
    machine.move("A/x.txt", "aside.txt")
    machine.move("B/x.txt", "A/x.txt")
    machine.move("aside.txt", "B/x.txt")


ONE = {"A/one.txt": "old", "A/other.txt": "other"}
REST = {"A/other.txt": "other"}

STORIES = (
    Story(
        "both edit a file",
        ONE,
        write("A/one.txt", "here"),
        write("A/one.txt", "there!"),
        ({**REST, "A/one.txt": "here", COPY: "there!"}, {**REST, "A/one.txt": "there!", COPY: "here"}),
        frozenset({"old"}),
    ),
    Story(
        "both edit a file to the same",
        ONE,
        write("A/one.txt", "same"),
        write("A/one.txt", "same"),
        ({**REST, "A/one.txt": "same"},),
        frozenset({"old"}),
    ),
    Story(
        "one edits, one deletes",
        ONE,
        write("A/one.txt", "here"),
        remove("A/one.txt"),
        ({**REST, "A/one.txt": "here"},),
        frozenset({"old"}),
    ),
    Story(
        "both move a file",
        ONE,
        move("A/one.txt", "B/one.txt"),
        move("A/one.txt", "C/one.txt"),
        ({**REST, "B/one.txt": "old"}, {**REST, "C/one.txt": "old"}),
    ),
    Story(
        "both move a file to one place",
        ONE,
        move("A/one.txt", "B/one.txt"),
        move("A/one.txt", "B/one.txt"),
        ({**REST, "B/one.txt": "old"},),
    ),
    Story(
        "one moves, one deletes",
        ONE,
        move("A/one.txt", "B/one.txt"),
        remove("A/one.txt"),
        (REST, {**REST, "B/one.txt": "old"}),
    ),
    Story(
        "one renames, one edits",
        ONE,
        move("A/one.txt", "A/new.txt"),
        write("A/one.txt", "there!"),
        (
            {**REST, "A/new.txt": "there!"},
            {**REST, "A/one.txt": "there!"},
            {**REST, "A/new.txt": "there!", COPY: "old"},
            {**REST, "A/new.txt": "old", COPY: "there!"},
        ),
        frozenset({"old"}),
    ),
    Story(
        "one moves, one edits",
        ONE,
        move("A/one.txt", "B/one.txt"),
        write("A/one.txt", "there!"),
        ({**REST, "B/one.txt": "there!"},),
        frozenset({"old"}),
    ),
    Story(
        "both rename a file",
        ONE,
        move("A/one.txt", "A/mine.txt"),
        move("A/one.txt", "A/yours.txt"),
        ({**REST, "A/mine.txt": "old"}, {**REST, "A/yours.txt": "old"}),
    ),
    Story(
        "a tag is renamed, a file moves into its folder",
        {**ONE, "B/two.txt": "two"},
        move("B/two.txt", "A/two.txt"),
        rename_tag("A", "New"),
        ({"New/one.txt": "old", "New/other.txt": "other", "New/two.txt": "two"},),
        by_hand=True,
    ),
    Story(
        "a folder is renamed, a file is added to it",
        ONE,
        move("A", "New"),
        write("A/more.txt", "more"),
        (
            {"New/one.txt": "old", "New/other.txt": "other", "New/more.txt": "more"},
            {"New/one.txt": "old", "New/other.txt": "other", "A/more.txt": "more"},
        ),
    ),
    Story(
        "a folder is deleted, a file is added to it",
        ONE,
        remove("A"),
        write("A/more.txt", "more"),
        ({"A/more.txt": "more"}, {"more.txt": "more"}),
    ),
    Story(
        "both create the same file",
        ONE,
        write("A/new.txt", "same"),
        write("A/new.txt", "same"),
        ({**ONE, "A/new.txt": "same"},),
    ),
    Story(
        "both create a folder with the same files",
        REST,
        lambda machine, account: _make_folder(machine),
        lambda machine, account: _make_folder(machine),
        ({**REST, "New/1.txt": "same 1", "New/2.txt": "same 2"},),
    ),
    Story(
        "both create a file of one name",
        ONE,
        write("A/new.txt", "here"),
        write("A/new.txt", "there!"),
        (
            {**ONE, "A/new.txt": "here", COPY: "there!"},
            {**ONE, "A/new.txt": "there!", COPY: "here"},
            {**ONE, "A/new.txt": "here", "A/new (ID).txt": "there!"},
            {**ONE, "A/new.txt": "there!", "A/new (ID).txt": "here"},
        ),
    ),
    Story(
        "one deletes, one purges",
        ONE,
        remove("A/one.txt"),
        purge("one.txt"),
        (REST,),
        frozenset({"old"}),
        by_hand=True,
    ),
    Story(
        "one edits, one purges",
        ONE,
        write("A/one.txt", "here"),
        purge("one.txt"),
        ({**REST, "A/one.txt": "here"},),
        frozenset({"old"}),
        by_hand=True,
    ),
    Story(
        "both delete a file",
        ONE,
        remove("A/one.txt"),
        remove("A/one.txt"),
        (REST,),
    ),
    Story(
        "both rename a folder",
        ONE,
        move("A", "Mine"),
        move("A", "Yours"),
        (
            {"Mine/one.txt": "old", "Mine/other.txt": "other"},
            {"Yours/one.txt": "old", "Yours/other.txt": "other"},
        ),
    ),
    Story(
        "two files change places, one is edited",
        {"A/x.txt": "x", "B/x.txt": "y"},
        lambda machine, account: _swap(machine),
        write("A/x.txt", "edited"),
        # A path that still holds a file keeps its asset: two edits here, and one there.
        (
            {"A/x.txt": "edited", "B/x.txt": "x", COPY: "y"},
            {"A/x.txt": "y", "B/x.txt": "x", COPY: "edited"},
        ),
    ),
    Story(
        "a tag is deleted, a file is added to its folder",
        {**ONE, "B/two.txt": "two"},
        write("A/more.txt", "more"),
        delete_tag("A"),
        (
            {"one.txt": "old", "other.txt": "other", "B/two.txt": "two", "A/more.txt": "more"},
            {"one.txt": "old", "other.txt": "other", "B/two.txt": "two", "more.txt": "more"},
        ),
        by_hand=True,
    ),
    Story(
        "a tag is deleted, a file of its folder is edited",
        {**ONE, "B/two.txt": "two"},
        write("A/one.txt", "here"),
        delete_tag("A"),
        ({"one.txt": "here", "other.txt": "other", "B/two.txt": "two"},),
        by_hand=True,
    ),
    Story(
        "a tag is renamed, the folder too",
        ONE,
        move("A", "Mine"),
        rename_tag("A", "Yours"),
        (
            {"Mine/one.txt": "old", "Mine/other.txt": "other"},
            {"Yours/one.txt": "old", "Yours/other.txt": "other"},
        ),
        by_hand=True,
    ),
    Story(
        "a tag is renamed, a file of its folder is edited",
        ONE,
        write("A/one.txt", "here"),
        rename_tag("A", "New"),
        ({"New/one.txt": "here", "New/other.txt": "other"},),
        by_hand=True,
    ),
    Story(
        "a tag is renamed, a file of its folder is deleted",
        ONE,
        remove("A/one.txt"),
        rename_tag("A", "New"),
        ({"New/other.txt": "other"},),
        by_hand=True,
    ),
    Story(
        "an asset is moved by a person there, its file is edited here",
        ONE,
        write("A/one.txt", "here"),
        retag("one.txt", "B"),
        ({**REST, "B/one.txt": "here"},),
        by_hand=True,
    ),
    Story(
        "an asset is moved by a person there, its file is deleted here",
        ONE,
        remove("A/one.txt"),
        retag("one.txt", "B"),
        (REST,),
        by_hand=True,
    ),
    Story(
        "an asset is moved by a person there, its file is moved here",
        ONE,
        move("A/one.txt", "C/one.txt"),
        retag("one.txt", "B"),
        ({**REST, "B/one.txt": "old"}, {**REST, "C/one.txt": "old"}),
        by_hand=True,
    ),
    Story(
        "a folder is renamed, another machine moves a file into it",
        {**ONE, "B/two.txt": "two"},
        move("A", "New"),
        move("B/two.txt", "A/two.txt"),
        (
            {"New/one.txt": "old", "New/other.txt": "other", "New/two.txt": "two"},
            {"New/one.txt": "old", "New/other.txt": "other", "A/two.txt": "two"},
        ),
    ),
    Story(
        "a folder is renamed, another machine deletes it",
        ONE,
        move("A", "New"),
        remove("A"),
        ({}, {"New/one.txt": "old", "New/other.txt": "other"}),
    ),
    Story(
        "a file is moved into a folder that another machine deletes",
        {**ONE, "B/two.txt": "two"},
        move("B/two.txt", "A/two.txt"),
        remove("A"),
        ({"A/two.txt": "two"},),
    ),
    Story(
        "one moves and edits, the other edits",
        ONE,
        lambda machine, account: _move_and_edit(machine),
        write("A/one.txt", "there!"),
        (
            {**REST, "B/one.txt": "here", COPY: "there!"},
            {**REST, "B/one.txt": "there!", COPY: "here"},
        ),
        frozenset({"old"}),
    ),
    Story(
        "one renames and the other moves",
        ONE,
        move("A/one.txt", "A/new.txt"),
        move("A/one.txt", "B/one.txt"),
        ({**REST, "B/new.txt": "old"}, {**REST, "A/new.txt": "old"}, {**REST, "B/one.txt": "old"}),
    ),
    Story(
        "one makes a file where the other makes a folder",
        ONE,
        write("new", "file"),
        write("new/inside.txt", "inside"),
        ({**ONE, "new/inside.txt": "inside", "new (ID)": "file"},),
    ),
    Story(
        "one moves a file away, the other makes one in its place",
        ONE,
        move("A/one.txt", "B/one.txt"),
        lambda machine, account: _replace(machine),
        (
            {**REST, "B/one.txt": "old", "A/one.txt": "new!"},
            {**REST, "B/one.txt": "new!"},
        ),
    ),
)
