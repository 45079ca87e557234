"""What is done on real files: section 6 of the contract."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e_world import (
    Machine,
    asset_id,
    counted,
    differences,
    live,
    put_tags,
    settle,
    tag_names,
    tags_of,
    trashed,
)
from fault_proxy import FaultProxy, Pass

from fluxsync.engine.report import Report, Result
from fluxsync.engine.watcher import Watcher
from fluxsync.replica.folder.replica import Folder
from fluxsync.sandbox.server import Sandbox

MachineFactory = Callable[..., Machine]
HOST = socket.gethostname().partition(".")[0]


@pytest.fixture
def a(machine: MachineFactory) -> Machine:
    """A machine in step with an account that holds A/one.txt; A/other.txt keeps the folder alive."""
    made = machine("a")
    made.write("A/one.txt", "one")
    made.write("A/other.txt", "other")
    made.in_step()
    return made


@pytest.fixture
def b(machine: MachineFactory) -> Machine:
    return machine("b")


class Colleague:
    """Somebody who changes A/one.txt on the account."""

    def __init__(self, account: Sandbox) -> None:
        self.account = account
        self.id = asset_id(account, "one.txt")

    def edits(self, content: bytes = b"theirs") -> None:
        self.account.store.add_version(self.id, content, comment="new colours")

    def moves(self) -> None:
        self.account.store.set_tags(self.id, ["Theirs"])

    def renames(self) -> None:
        name = self.account.store.asset(self.id)
        self.account.store.add_version(self.id, self.account.store.content(self.id), "theirs.txt")
        assert name.filename == "one.txt"

    def trashes(self) -> None:
        self.account.store.set_tags(self.id, ["A", "fluxsync-trash"])

    def deletes(self) -> None:
        self.account.store.delete_asset(self.id)

    @property
    def tags(self) -> set[str]:
        return tags_of(self.account.store.asset(self.id))

    @property
    def content(self) -> bytes:
        return self.account.store.content(self.id)

    @property
    def gone(self) -> bool:
        return self.id not in {asset.id for asset in self.account.store.assets()}


@pytest.fixture
def colleague(a: Machine, account: Sandbox) -> Colleague:
    return Colleague(account)


def rest(a: Machine) -> dict[str, bytes]:
    """Let the machine come to rest, and return its files but the one that nobody touches."""
    settle(a)
    tree = a.tree()
    assert tree.pop("A/other.txt") == b"other"
    return tree


# -- the table: local unchanged ----------------------------------------------------------------------------


def test_unchanged_here_new_content_there_is_downloaded(a: Machine, colleague: Colleague) -> None:
    colleague.edits()
    assert counted(a.in_step()) == {"downloaded": 1, "bytes_down": 6}
    assert rest(a) == {"A/one.txt": b"theirs"}
    assert a.trash() == {"A/one.txt": [b"one"]}


def test_unchanged_here_moved_there_moves_the_file(a: Machine, colleague: Colleague) -> None:
    colleague.moves()
    assert counted(a.in_step()) == {"moved_local": 1}
    assert rest(a) == {"Theirs/one.txt": b"one"}


def test_unchanged_here_renamed_there_moves_the_file_without_its_bytes(a: Machine, b: Machine) -> None:
    settle(a, b)
    b.move("A/one.txt", "A/theirs.txt")
    b.in_step()
    report = a.in_step()
    assert counted(report) == {"moved_local": 1}
    assert rest(a) == {"A/theirs.txt": b"one"}


def test_unchanged_here_renamed_there_by_hand_is_the_same_file_under_that_name(
    a: Machine, colleague: Colleague
) -> None:
    """Nothing names the bytes, so they may be read; they are no new content all the same."""
    colleague.renames()
    assert a.in_step().conflicts == 0
    assert rest(a) == {"A/theirs.txt": b"one"}


def test_unchanged_here_trashed_there_goes_to_the_trash(a: Machine, colleague: Colleague) -> None:
    colleague.trashes()
    assert counted(a.in_step()) == {"trashed_local": 1}
    assert rest(a) == {}
    assert a.trash() == {"A/one.txt": [b"one"]}


def test_unchanged_here_gone_there_goes_to_the_trash(a: Machine, colleague: Colleague) -> None:
    colleague.deletes()
    assert counted(a.in_step()) == {"trashed_local": 1}
    assert rest(a) == {}
    assert a.trash() == {"A/one.txt": [b"one"]}


# -- the table: local new content --------------------------------------------------------------------------


def test_new_content_here_is_a_new_version(a: Machine, colleague: Colleague) -> None:
    a.write("A/one.txt", "mine")
    assert counted(a.in_step()) == {"versions": 1, "bytes_up": 4}
    assert colleague.content == b"mine"


def test_new_content_on_both_sides_is_a_conflict(a: Machine, colleague: Colleague, account: Sandbox) -> None:
    a.write("A/one.txt", "mine")
    colleague.edits()
    assert a.in_step().conflicts == 1
    tree = rest(a)
    assert tree.pop("A/one.txt") == b"theirs"
    ((copy, content),) = tree.items()
    assert content == b"mine"
    assert re.fullmatch(rf"A/one \(conflicted copy \d{{4}}-\d\d-\d\d \d{{6}} {re.escape(HOST)}\)\.txt", copy)
    assert account.store.content(asset_id(account, Path(copy).name)) == b"mine"


def test_new_content_here_moved_there_is_a_new_version_and_the_file_moves(
    a: Machine, colleague: Colleague
) -> None:
    a.write("A/one.txt", "mine")
    colleague.moves()
    assert rest(a) == {"Theirs/one.txt": b"mine"}
    assert colleague.content == b"mine"
    assert colleague.tags == {"Theirs"}


def test_new_content_here_renamed_there_is_a_new_version_under_the_new_name(
    a: Machine, b: Machine, colleague: Colleague, account: Sandbox
) -> None:
    settle(a, b)
    b.move("A/one.txt", "A/theirs.txt")
    b.in_step()
    a.write("A/one.txt", "mine")
    assert rest(a) == {"A/theirs.txt": b"mine"}
    assert account.store.asset(colleague.id).filename == "theirs.txt"
    assert colleague.content == b"mine"


def test_new_content_here_renamed_there_by_hand_is_no_conflict(
    a: Machine, colleague: Colleague, account: Sandbox
) -> None:
    a.write("A/one.txt", "mine")
    colleague.renames()
    assert rest(a) == {"A/theirs.txt": b"mine"}
    assert account.store.asset(colleague.id).filename == "theirs.txt"
    assert colleague.content == b"mine"


def test_new_content_here_trashed_there_is_a_new_version_and_out_of_the_trash(
    a: Machine, colleague: Colleague
) -> None:
    a.write("A/one.txt", "mine")
    colleague.trashes()
    assert rest(a) == {"A/one.txt": b"mine"}
    assert colleague.content == b"mine"
    assert colleague.tags == {"A"}


def test_new_content_here_gone_there_is_a_new_asset(
    a: Machine, colleague: Colleague, account: Sandbox
) -> None:
    a.write("A/one.txt", "mine")
    colleague.deletes()
    assert rest(a) == {"A/one.txt": b"mine"}
    assert account.store.content(asset_id(account, "one.txt")) == b"mine"
    assert asset_id(account, "one.txt") != colleague.id


# -- the table: local moved or renamed ---------------------------------------------------------------------

MOVES = pytest.mark.parametrize(
    "to", ["B/one.txt", "A/mine.txt", "B/mine.txt"], ids=["moved", "renamed", "both"]
)


def place(account: Sandbox, number: int) -> str:
    asset = account.store.asset(number)
    (folder,) = tags_of(asset)
    return f"{folder}/{asset.filename}"


@MOVES
def test_moved_here_is_retagged_or_renamed(
    a: Machine, colleague: Colleague, account: Sandbox, to: str
) -> None:
    a.move("A/one.txt", to)
    assert rest(a) == {to: b"one"}
    assert place(account, colleague.id) == to
    assert len(account.store.assets()) == 2


@MOVES
def test_moved_here_new_content_there_is_downloaded_then_retagged_with_that_content(
    a: Machine, colleague: Colleague, account: Sandbox, to: str
) -> None:
    a.move("A/one.txt", to)
    colleague.edits()
    assert rest(a) == {to: b"theirs"}
    assert place(account, colleague.id) == to
    assert colleague.content == b"theirs"


@MOVES
def test_moved_here_and_there_the_accounts_place_wins(
    a: Machine, colleague: Colleague, account: Sandbox, to: str
) -> None:
    a.move("A/one.txt", to)
    colleague.moves()
    (path,) = rest(a)
    assert path.startswith("Theirs/")
    assert colleague.tags == {"Theirs"}
    assert len(account.store.assets()) == 2


@MOVES
def test_moved_here_trashed_there_is_out_of_the_trash_then_retagged(
    a: Machine, colleague: Colleague, account: Sandbox, to: str
) -> None:
    a.move("A/one.txt", to)
    colleague.trashes()
    assert rest(a) == {to: b"one"}
    assert place(account, colleague.id) == to


@MOVES
def test_moved_here_gone_there_is_a_new_asset(
    a: Machine, colleague: Colleague, account: Sandbox, to: str
) -> None:
    a.move("A/one.txt", to)
    colleague.deletes()
    assert rest(a) == {to: b"one"}
    assert place(account, asset_id(account, Path(to).name)) == to


@MOVES
@pytest.mark.parametrize("there", ["nothing", "moves", "edits", "trashes"])
def test_edited_moved_and_renamed_at_once_is_one_asset_in_its_new_place(
    a: Machine, b: Machine, colleague: Colleague, account: Sandbox, to: str, there: str
) -> None:
    settle(a, b)
    with a.path("A/one.txt").open("r+b") as same_file:
        same_file.write(b"edited, the same inode")
    a.move("A/one.txt", to)
    if there != "nothing":
        getattr(colleague, there)()
    settle(a, b)
    assert differences(a, b) == ""
    assert b"edited, the same inode" in a.tree().values()
    assert place(account, colleague.id) in a.paths()
    if there != "moves":
        assert a.read(to) == (b"theirs" if there == "edits" else b"edited, the same inode")
        assert place(account, colleague.id) == to


# -- the table: local gone, local new ----------------------------------------------------------------------


def test_gone_here_the_asset_goes_to_the_trash(a: Machine, colleague: Colleague, account: Sandbox) -> None:
    a.remove("A/one.txt")
    assert counted(a.in_step()) == {"trashed_remote": 1}
    assert colleague.tags == {"A", "fluxsync-trash"}
    assert not colleague.gone


def test_gone_here_new_content_there_is_downloaded(a: Machine, colleague: Colleague) -> None:
    a.remove("A/one.txt")
    colleague.edits()
    assert rest(a) == {"A/one.txt": b"theirs"}
    assert colleague.tags == {"A"}


def test_gone_here_moved_there_the_asset_goes_to_the_trash(a: Machine, colleague: Colleague) -> None:
    a.remove("A/one.txt")
    colleague.moves()
    assert rest(a) == {}
    assert "fluxsync-trash" in colleague.tags


def test_gone_here_moved_and_changed_there_is_downloaded(a: Machine, colleague: Colleague) -> None:
    a.remove("A/one.txt")
    colleague.moves()
    colleague.edits()
    assert rest(a) == {"Theirs/one.txt": b"theirs"}


@pytest.mark.parametrize("how", ["trashes", "deletes"])
def test_gone_on_both_sides_is_forgotten(
    a: Machine, colleague: Colleague, account: Sandbox, how: str
) -> None:
    a.remove("A/one.txt")
    getattr(colleague, how)()
    account.clear_requests()
    assert rest(a) == {}
    assert [r["method"] for r in account.requests if r["method"] != "GET"] == []


def test_new_on_both_sides_with_equal_bytes_is_adopted(a: Machine, account: Sandbox) -> None:
    a.write("A/new.txt", "same")
    account.store.create_asset("new.txt", b"same", tags=["A"])
    report = a.in_step()
    assert report.uploaded == report.downloaded == report.conflicts == 0
    assert len(account.store.assets()) == 3
    settle(a)


def test_new_on_both_sides_with_other_bytes_is_a_conflict(a: Machine, account: Sandbox) -> None:
    a.write("A/new.txt", "mine")
    account.store.create_asset("new.txt", b"THEM", tags=["A"])
    assert a.in_step().conflicts == 1
    tree = rest(a)
    assert tree["A/new.txt"] == b"THEM"
    assert sorted(tree.values()) == [b"THEM", b"mine", b"one"]


# -- conflicts ---------------------------------------------------------------------------------------------


def test_a_conflict_copy_becomes_an_asset_and_appears_on_the_other_machine(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    settle(a, b)
    a.write("A/one.txt", "Ada")
    b.write("A/one.txt", "Bob")
    settle(a, b)
    assert differences(a, b) == ""
    (copy,) = [path for path in a.paths() if "conflicted copy" in path]
    assert (a.read("A/one.txt"), a.read(copy)) == (b"Ada", b"Bob")
    assert len(live(account)) == 3


def test_equal_bytes_on_both_sides_are_no_conflict(a: Machine, colleague: Colleague) -> None:
    a.write("A/one.txt", "same")
    colleague.edits(b"same")
    report = a.in_step()
    assert report.conflicts == report.versions == 0
    assert rest(a) == {"A/one.txt": b"same"}


def test_conflict_local_buries_the_accounts_content_after_it_was_saved_here(
    a: Machine, colleague: Colleague
) -> None:
    a.set("sync", conflict="local")
    a.write("A/one.txt", "mine")
    colleague.edits()
    assert rest(a) == {"A/one.txt": b"mine"}
    assert colleague.content == b"mine"
    assert b"theirs" in a.trash()["A/one.txt"]


def test_conflict_remote_takes_the_accounts_content_and_keeps_ours_in_the_trash(
    a: Machine, colleague: Colleague
) -> None:
    a.set("sync", conflict="remote")
    a.write("A/one.txt", "mine")
    colleague.edits()
    assert rest(a) == {"A/one.txt": b"theirs"}
    assert colleague.content == b"theirs"
    assert b"mine" in a.trash()["A/one.txt"]


def test_a_repeated_conflict_with_the_same_loser_makes_one_copy(a: Machine, colleague: Colleague) -> None:
    for content in (b"theirs 1", b"theirs 2"):
        a.write("A/one.txt", "mine, again and again")
        colleague.edits(content)
        settle(a)
        a.clock.wait(5)
    assert a.read("A/one.txt") == b"theirs 2"
    assert sum("conflicted copy" in path for path in a.paths()) == 1


def test_conflicts_that_were_kept_as_two_files_count_as_in_step(a: Machine, colleague: Colleague) -> None:
    a.write("A/one.txt", "mine")
    colleague.edits()
    assert a.once().result is Result.IN_STEP


def test_backwards_is_not_new_but_a_conflict(a: Machine, account: Sandbox, colleague: Colleague) -> None:
    """The account went back to an older state: the version is lower than the journal's."""
    a.write("A/one.txt", "second")
    settle(a)
    store = account.store
    with store._database.transaction():
        store._database.execute("UPDATE assets SET version = 0 WHERE id = ?", (colleague.id,))
    a.once()
    settle(a)
    assert sorted(a.tree().values()) == [b"one", b"other", b"second"]


# -- versions ----------------------------------------------------------------------------------------------


def test_the_version_comment_says_who_sent_what_over_which(a: Machine, account: Sandbox) -> None:
    a.write("A/one.txt", "edited")
    a.in_step()
    latest = account.store.versions(asset_id(account, "one.txt"))[0]
    digest = hashlib.sha256(b"edited").hexdigest()
    assert re.fullmatch(rf"fluxsync {re.escape(HOST)}-\w{{4}} sha256:{digest} over:0", latest.comment)


def test_a_version_that_slips_in_before_ours_is_kept_by_its_sender(
    machine: MachineFactory, account: Sandbox
) -> None:
    with FaultProxy(account.port) as proxy:
        a, b = machine("a"), machine("b", url=proxy.url)
        a.write("A/one.txt", "one")
        settle(a, b)
        a.write("A/one.txt", "Ada's")
        b.write("A/one.txt", "Bob's")
        proxy.fault("POST", r"/versions\.xml", Pass(before=lambda: a.once()))
        b.once()
        number = asset_id(account, "one.txt")
        assert [account.store.version_content(v.blob) for v in account.store.versions(number)] == [
            b"Bob's",
            b"Ada's",
            b"one",
        ]
        settle(a, b)
        assert sorted(a.tree().values()) == [b"Ada's", b"Bob's"]
        assert differences(a, b) == ""


@pytest.mark.parametrize("moment", ["before the title follows", "after the pass"])
def test_a_rename_that_a_colleague_buried_follows_the_account(
    machine: MachineFactory, account: Sandbox, moment: str
) -> None:
    """Their version, sent under the old name, did not know ours: its name counts."""
    with FaultProxy(account.port) as proxy:
        a = machine("a", url=proxy.url)
        a.write("A/one.txt", "one")
        settle(a)
        number = asset_id(account, "one.txt")
        a.move("A/one.txt", "A/renamed.txt")

        def bury() -> None:
            digest = hashlib.sha256(b"Bob's").hexdigest()
            comment = f"fluxsync bob-0000 sha256:{digest} over:0"
            account.store.add_version(number, b"Bob's", "one.txt", comment)

        if moment == "before the title follows":
            proxy.fault("PUT", r"/api/assets/", Pass(before=bury))
            a.once()
        else:
            a.once()
            bury()
        settle(a)
        assert account.store.asset(number).filename == "one.txt"
        assert a.read("A/one.txt") == b"Bob's"


def test_who_buries_a_version_of_something_else_reports_path_number_and_user(
    machine: MachineFactory, account: Sandbox
) -> None:
    with FaultProxy(account.port) as proxy:
        a = machine("a", url=proxy.url)
        a.write("A/one.txt", "one")
        settle(a)
        number = asset_id(account, "one.txt")
        a.write("A/one.txt", "mine")
        between = Pass(before=lambda: account.store.add_version(number, b"theirs", comment="by hand"))
        proxy.fault("POST", r"/versions\.xml", between)
        report = a.once()
        said = " ".join(problem.path + " " + problem.reason for problem in report.notices)
        said += " ".join(f"{path} {reason}" for path, reason in report.failures.items())
        assert "one.txt" in said
        assert re.search(r"\b1\b", said)


# -- renames -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "after"),
    [("one", "two"), ("one.txt", "two.txt"), ("My own title", "My own title")],
)
def test_a_title_that_equals_the_old_file_name_follows_and_any_other_stays(
    a: Machine, account: Sandbox, title: str, after: str
) -> None:
    number = asset_id(account, "one.txt")
    account.store.update_asset(number, title=title)
    a.move("A/one.txt", "A/two.txt")
    settle(a)
    asset = account.store.asset(number)
    assert (asset.filename, asset.title) == ("two.txt", after)


def test_rename_title_sends_no_bytes_and_every_machine_shows_the_new_name(
    machine: MachineFactory, account: Sandbox
) -> None:
    a, b = machine("a", sync={"rename": "title"}), machine("b", sync={"rename": "title"})
    a.write("A/one.txt", "one")
    settle(a, b)
    a.move("A/one.txt", "A/two.txt")
    report = a.in_step()
    assert report.bytes_up == 0
    settle(a, b)
    (asset,) = account.store.assets()
    assert (asset.filename, asset.title, asset.version) == ("one.txt", "two.txt", 0)
    assert a.paths() == b.paths() == ["A/two.txt"]
    b.write("A/two.txt", "edited")
    settle(b, a)
    assert a.tree() == b.tree() == {"A/two.txt": b"edited"}


def test_swapped_and_cycled_names_end_right(a: Machine, b: Machine, account: Sandbox) -> None:
    for name in "xyz":
        a.write(f"A/{name}.txt", f"content {name}")
    settle(a, b)
    a.move("A/x.txt", "A/t")
    a.move("A/y.txt", "A/x.txt")
    a.move("A/z.txt", "A/y.txt")
    a.move("A/t", "A/z.txt")
    settle(a, b)
    assert differences(a, b) == ""
    assert b.read("A/x.txt") == b"content y"
    assert b.read("A/z.txt") == b"content x"
    assert len(live(account)) == 5
    assert trashed(account) == {}


def test_swapped_folders_end_right(a: Machine, b: Machine, account: Sandbox) -> None:
    a.write("P/p.txt", "p")
    a.write("Q/q.txt", "q")
    settle(a, b)
    a.move("P", "t")
    a.move("Q", "P")
    a.move("t", "Q")
    settle(a, b)
    assert a.tree() == b.tree()
    assert (b.read("P/q.txt"), b.read("Q/p.txt")) == (b"q", b"p")


def test_a_change_of_case_alone_is_a_rename(a: Machine, b: Machine, account: Sandbox) -> None:
    settle(a, b)
    a.move("A/one.txt", "A/ONE.txt")
    a.move("A", "a")
    settle(a, b)
    assert b.paths() == ["a/ONE.txt", "a/other.txt"]
    assert trashed(account) == {}


# -- a plan without versions -------------------------------------------------------------------------------


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "starter", plan="no-versions") as sandbox:
        yield sandbox


@pytest.mark.parametrize("change", ["edit", "rename"])
def test_without_versions_a_new_asset_succeeds_the_old_one(
    machine: MachineFactory, starter: Sandbox, change: str
) -> None:
    a, b = machine("a", url=starter.url), machine("b", url=starter.url)
    a.write("A/one.txt", "one")
    settle(a, b)
    (old,) = starter.store.assets()
    starter.store.update_asset(old.id, title="Mine", description="Seen", tags=["A", "approved"])
    settle(a, b)
    if change == "edit":
        a.write("A/one.txt", "edited")
    else:
        a.move("A/one.txt", "A/two.txt")
    settle(a, b)
    (new,) = live(starter).values()
    assert new.id != old.id
    assert (new.title, new.description, tags_of(new)) == ("Mine", "Seen", {"A", "approved"})
    assert [asset.id for asset in trashed(starter).values()] == [old.id]
    assert starter.store.content(old.id) == b"one"
    assert a.tree() == b.tree()
    assert len(a.paths()) == 1


# -- downloads ---------------------------------------------------------------------------------------------


def test_a_download_keeps_mode_and_attributes_and_sets_the_time_of_the_asset(
    a: Machine, account: Sandbox, colleague: Colleague
) -> None:
    path = a.path("A/one.txt")
    path.chmod(0o640)
    try:
        os.setxattr(path, "user.finder.tags", b"red")
        attributes = True
    except OSError:
        attributes = False
    settle(a)
    colleague.edits()
    a.in_step()
    assert path.stat().st_mode & 0o7777 == 0o640
    assert not attributes or os.getxattr(path, "user.finder.tags") == b"red"
    assert int(path.stat().st_mtime) == account.store.asset(colleague.id).updated


def test_a_new_file_has_the_time_of_the_asset(a: Machine, account: Sandbox) -> None:
    number = account.store.create_asset("new.txt", b"new", tags=["A"])
    a.in_step()
    assert int(a.path("A/new.txt").stat().st_mtime) == account.store.asset(number).updated


def test_content_that_is_here_already_is_copied_not_downloaded(
    a: Machine, b: Machine, account: Sandbox
) -> None:
    settle(a, b)
    b.write("A/other.txt", "long content " * 1000)
    b.in_step()
    a.write("A/copy of it.txt", "long content " * 1000)
    report = a.in_step()
    assert a.read("A/other.txt") == a.read("A/copy of it.txt")
    assert report.bytes_down < 1000


# -- open files --------------------------------------------------------------------------------------------


@contextmanager
def opened_by_a_program(path: Path) -> Iterator[None]:
    """Hold a file open for writing in another process."""
    code = "import sys; f = open(sys.argv[1], 'r+b'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        program.stdout.readline()
        yield
        program.communicate()


def test_a_file_that_is_open_for_writing_is_waited_for_and_named(a: Machine, account: Sandbox) -> None:
    a.write("A/new.txt", "being written")
    a.set("sync", settle=2)
    with opened_by_a_program(a.path("A/new.txt")):
        report = a.once()
    assert report.result is Result.PARTIAL
    assert list(report.failures) == ["A/new.txt"]
    assert 3 <= sum(a.clock.waits) < 5
    assert "new.txt" not in live(account)
    settle(a)
    assert "new.txt" in live(account)


@pytest.mark.parametrize("change", ["edits", "moves", "trashes"])
def test_a_file_that_is_open_for_writing_is_not_replaced_moved_or_taken_away(
    a: Machine, colleague: Colleague, change: str
) -> None:
    getattr(colleague, change)()
    with opened_by_a_program(a.path("A/one.txt")):
        report = a.once()
        assert a.read("A/one.txt") == b"one"
    assert report.result is Result.PARTIAL
    assert "A/one.txt" in report.failures
    settle(a)
    assert ("A/one.txt" in a.paths()) == (change == "edits")


@pytest.mark.parametrize("lock", [".~lock.one.txt#", "~$one.txt", "one.idlk", "one.txt.idlk"])
def test_a_file_with_its_programs_lock_beside_it_is_not_replaced(
    a: Machine, colleague: Colleague, lock: str
) -> None:
    a.write(f"A/{lock}", "locked")
    colleague.edits()
    report = a.once()
    assert report.result is Result.PARTIAL
    assert a.read("A/one.txt") == b"one"
    a.remove(f"A/{lock}")
    assert rest(a) == {"A/one.txt": b"theirs"}


# -- directions --------------------------------------------------------------------------------------------


def test_direction_up_never_changes_the_folder(a: Machine, account: Sandbox, colleague: Colleague) -> None:
    a.set("sync", direction="up")
    account.store.create_asset("theirs.txt", b"new", tags=["A"])
    colleague.edits()
    a.write("A/mine.txt", "mine")
    before = a.tree()
    a.once()
    a.once()
    assert a.tree() == before
    assert "mine.txt" in live(account)


def test_direction_down_never_changes_the_account(a: Machine, account: Sandbox, colleague: Colleague) -> None:
    a.set("sync", direction="down")
    account.store.create_asset("theirs.txt", b"new", tags=["A"])
    a.write("A/mine.txt", "mine")
    a.write("A/other.txt", "edited here")
    colleague.edits()
    account.clear_requests()
    a.once()
    a.clock.wait(120)
    a.path("Empty").mkdir()
    a.once()
    assert [r["method"] for r in account.requests if r["method"] != "GET"] == []
    assert a.read("A/one.txt") == b"theirs"
    assert a.read("A/theirs.txt") == b"new"
    assert a.read("A/other.txt") == b"edited here"
    assert a.read("A/mine.txt") == b"mine"


def test_direction_down_a_deletion_here_takes_nothing_away_there(a: Machine, account: Sandbox) -> None:
    a.set("sync", direction="down")
    a.remove("A/one.txt")
    a.once()
    assert set(live(account)) == {"one.txt", "other.txt"}


def test_direction_down_an_edited_file_whose_asset_changes_is_a_conflict_whose_copy_stays_here(
    a: Machine, account: Sandbox, colleague: Colleague
) -> None:
    a.set("sync", direction="down")
    a.write("A/one.txt", "mine")
    colleague.edits()
    a.once()
    a.once()
    assert a.read("A/one.txt") == b"theirs"
    (copy,) = [path for path in a.paths() if "conflicted copy" in path]
    assert a.read(copy) == b"mine"
    assert set(live(account)) == {"one.txt", "other.txt"}


def test_direction_up_a_deletion_there_takes_nothing_away_here(a: Machine, colleague: Colleague) -> None:
    a.set("sync", direction="up")
    colleague.trashes()
    a.once()
    assert a.read("A/one.txt") == b"one"


# -- selection ---------------------------------------------------------------------------------------------


def test_include_applies_to_both_sides_alike(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a", sync={"include": ["Clients/**", "*.png"]})
    account.store.create_asset("in.txt", b"1", tags=["Clients/Acme"])
    account.store.create_asset("out.txt", b"2", tags=["Elsewhere"])
    account.store.create_asset("pic.png", b"3", tags=["Elsewhere"])
    a.write("Clients/mine.txt", "4")
    a.write("Private/mine too.txt", "5")
    settle(a)
    assert a.paths() == [
        "Clients/Acme/in.txt",
        "Clients/mine.txt",
        "Elsewhere/pic.png",
        "Private/mine too.txt",
    ]
    assert set(live(account)) == {"in.txt", "out.txt", "pic.png", "mine.txt"}


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "._logo.ai",
        "Icon\r",
        "Thumbs.db",
        "desktop.ini",
        "~$letter.docx",
        "x.tmp",
        "~logo~ab12.idlk",
        ".~lock.x.odt#",
        "x.crdownload",
        "x.part",
        "Photoshop Temp12345",
        ".x.swp",
        "x.txt~",
    ],
)
def test_what_tools_and_systems_leave_behind_is_ignored(a: Machine, account: Sandbox, name: str) -> None:
    a.write(f"A/{name}", "junk")
    settle(a)
    assert set(live(account)) == {"one.txt", "other.txt"}


def test_ignore_patterns_leave_both_sides_alone(machine: MachineFactory, account: Sandbox) -> None:
    a = machine("a", local={"ignore": ["*.bak", "/raw/"]})
    account.store.create_asset("x.bak", b"1", tags=["A"])
    account.store.create_asset("y.dng", b"2", tags=["raw"])
    a.write("mine.bak")
    a.write("raw/z.dng")
    a.write("ok.txt")
    settle(a)
    assert set(live(account)) == {"x.bak", "y.dng", "ok.txt"}
    assert a.paths() == ["mine.bak", "ok.txt", "raw/z.dng"]


def test_what_becomes_ignored_is_left_alone_on_both_sides_and_forgotten(a: Machine, account: Sandbox) -> None:
    a.set("local", ignore=["one.txt"])
    settle(a)
    a.remove("A/one.txt")
    settle(a)
    assert set(live(account)) == {"one.txt", "other.txt"}


def test_ignore_files_are_synced_so_that_machines_agree(a: Machine, b: Machine, account: Sandbox) -> None:
    a.write("A/.fluxsyncignore", "*.psd\n!keep.psd\n")
    a.write("A/x.psd", "1")
    a.write("A/keep.psd", "2")
    settle(a, b)
    b.write("A/y.psd", "3")
    settle(b, a)
    assert set(live(account)) == {"one.txt", "other.txt", ".fluxsyncignore", "keep.psd"}
    assert b.read("A/.fluxsyncignore") == b"*.psd\n!keep.psd\n"


def test_the_control_folder_is_never_synced(a: Machine, account: Sandbox) -> None:
    a.write(".fluxsync/mine.txt", "x")
    account.store.create_asset("evil", b"x", tags=[".fluxsync"])
    account.store.create_asset("evil2", b"x", tags=[".fluxsync/trash"])
    settle(a)
    assert "mine.txt" not in live(account)
    assert not (a.root / ".fluxsync" / "evil").exists()
    assert not (a.root / ".fluxsync" / "trash" / "evil2").exists()


# -- what becomes of deletions -----------------------------------------------------------------------------


def test_local_delete_keep_is_remembered_until_the_file_changes(
    a: Machine, account: Sandbox, colleague: Colleague
) -> None:
    a.set("sync", local_delete="keep")
    colleague.deletes()
    settle(a)
    assert rest(a) == {"A/one.txt": b"one"}
    assert set(live(account)) == {"other.txt"}
    a.write("A/one.txt", "changed")
    settle(a)
    assert set(live(account)) == {"one.txt", "other.txt"}


def test_remote_delete_keep_is_remembered_until_the_asset_changes(a: Machine, colleague: Colleague) -> None:
    a.set("sync", remote_delete="keep")
    a.remove("A/one.txt")
    settle(a)
    assert colleague.tags == {"A"}
    assert rest(a) == {}
    colleague.edits()
    assert rest(a) == {"A/one.txt": b"theirs"}


def test_local_delete_delete_leaves_nothing_in_the_trash(a: Machine, colleague: Colleague) -> None:
    a.set("sync", local_delete="delete")
    colleague.deletes()
    assert rest(a) == {}
    assert a.trash() == {}


def test_remote_delete_delete_deletes_the_asset(a: Machine, colleague: Colleague) -> None:
    a.set("sync", remote_delete="delete")
    a.remove("A/one.txt")
    settle(a)
    assert colleague.gone


def test_an_asset_out_of_the_trash_is_restored(a: Machine, colleague: Colleague) -> None:
    colleague.trashes()
    settle(a)
    colleague.account.store.set_tags(colleague.id, ["A"])
    assert rest(a) == {"A/one.txt": b"one"}


def test_an_asset_in_the_trash_given_new_content_by_a_machine_is_restored(
    a: Machine, b: Machine, colleague: Colleague
) -> None:
    settle(a, b)
    b.write("A/one.txt", "Bob still needs it")
    a.remove("A/one.txt")
    a.in_step()
    settle(b, a)
    assert a.tree() == b.tree()
    assert a.read("A/one.txt") == b"Bob still needs it"
    assert colleague.tags == {"A"}


def test_the_trash_is_the_tags_id_so_renamed_it_stays_the_trash(a: Machine, account: Sandbox) -> None:
    a.remove("A/one.txt")
    settle(a)
    (tag,) = [tag for tag in account.store.tags() if tag.name == "fluxsync-trash"]
    account.store.rename_tag(tag.id, "Papierkorb")
    settle(a)
    assert a.paths() == ["A/other.txt"]
    assert a.folders() == ["A"]


def test_a_trash_tag_that_is_gone_as_a_whole_is_made_again(
    a: Machine, account: Sandbox, colleague: Colleague
) -> None:
    a.remove("A/one.txt")
    settle(a)
    (tag,) = [tag for tag in account.store.tags() if tag.name == "fluxsync-trash"]
    account.store.delete_tag(tag.id)
    settle(a)
    assert colleague.tags == {"A", "fluxsync-trash"}
    assert a.paths() == ["A/other.txt"]


# -- links, first run, room --------------------------------------------------------------------------------


def test_symbolic_links_are_named_skipped_and_exit_0(a: Machine, account: Sandbox) -> None:
    a.path("A/link.txt").symlink_to(a.path("A/one.txt"))
    a.path("folder link").symlink_to(a.path("A"))
    os.mkfifo(a.path("A/pipe"))
    report = a.in_step()
    assert {problem.path for problem in report.notices} == {"A/link.txt", "folder link", "A/pipe"}
    assert set(live(account)) == {"one.txt", "other.txt"}


@pytest.mark.parametrize(("first_run", "conflicts"), [("verify", 1), ("trust-size", 0)])
def test_the_first_run_compares_bytes_or_trusts_the_size(
    machine: MachineFactory, account: Sandbox, first_run: str, conflicts: int
) -> None:
    a = machine("a", sync={"first_run": first_run})
    account.store.create_asset("equal.txt", b"same bytes", tags=["A"])
    account.store.create_asset("other.txt", b"account's!", tags=["A"])
    a.write("A/equal.txt", "same bytes")
    a.write("A/other.txt", "machine's!")
    report = a.in_step()
    assert report.conflicts == conflicts
    assert (report.bytes_down == 0) == (first_run == "trust-size")


def sent(report: Report) -> int:
    return report.uploaded + report.versions


def test_a_full_account_takes_small_files_first_and_the_rest_is_named(a: Machine, account: Sandbox) -> None:
    used = account.store.state().used_bytes
    account.configure(quota_bytes=used + 1500)
    a.write("A/big.bin", b"b" * 2000)
    a.write("A/small 1.bin", b"1" * 500)
    a.write("A/small 2.bin", b"2" * 500)
    report = a.once()
    assert report.result is Result.PARTIAL
    assert list(report.failures) == ["A/big.bin"]
    assert sent(report) == 2
    assert {"small 1.bin", "small 2.bin"} <= set(live(account))
    account.configure(quota_bytes=used + 10_000)
    settle(a)
    assert "big.bin" in live(account)


def test_an_account_that_fills_up_meanwhile_pauses_that_direction(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a")
    for number in range(30):
        a.write(f"A/{number}.bin", bytes([number]) * 1000)
    account.store.create_asset("theirs.txt", b"theirs", tags=["B"])

    def fill(plan: object) -> None:
        account.configure(quota_bytes=account.store.state().used_bytes + 5500)

    report = a.once(watcher=Watcher(on_plan=fill, clock=a.clock.time, wait=a.clock.wait))
    assert report.result is Result.PARTIAL
    assert report.uploaded == 5
    assert len(report.failures) == 25
    assert a.read("B/theirs.txt") == b"theirs"
    account.configure(quota_bytes=10**9)
    settle(a)
    assert len(live(account)) == 31


def test_a_full_disk_takes_small_files_first_and_the_rest_is_named(
    a: Machine, account: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.store.create_asset("big.bin", b"b" * 2000, tags=["A"])
    account.store.create_asset("small 1.bin", b"1" * 500, tags=["A"])
    account.store.create_asset("small 2.bin", b"2" * 500, tags=["A"])
    a.write("A/mine.txt", "mine")
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "free_bytes", lambda self: 1500)
        report = a.once()
    assert report.result is Result.PARTIAL
    assert list(report.failures) == ["A/big.bin"]
    assert report.downloaded == 2
    assert "mine.txt" in live(account)
    settle(a)
    assert a.read("A/big.bin") == b"b" * 2000


def test_a_dry_run_touches_neither_side_nor_the_journal(
    a: Machine, account: Sandbox, colleague: Colleague
) -> None:
    colleague.edits()
    a.write("B/new.txt", "new")
    a.move("A/other.txt", "C/other.txt")
    before, journal = a.tree(), a.journal.read_bytes()
    account.clear_requests()
    report = a.once(dry_run=True)
    assert a.tree() == before
    assert a.journal.read_bytes() == journal
    assert [r["method"] for r in account.requests if r["method"] != "GET"] == []
    actions = sorted(str(step.action) for step in report.plan or ())
    assert {"create", "download", "move-remote"} <= set(actions)
    assert (report.uploaded, report.downloaded, report.moved_remote) == (1, 1, 1)
    done = a.in_step()
    assert (done.uploaded, done.downloaded, done.moved_remote) == (1, 1, 1)


def test_labels_put_on_the_account_move_nothing_where_labels_says_so(
    machine: MachineFactory, account: Sandbox
) -> None:
    a = machine("a", mapping={"labels": ["approved"]})
    a.write("one.txt", "1")
    settle(a)
    put_tags(account, "one.txt", "approved")
    assert counted(a.in_step()) == {}
    assert a.paths() == ["one.txt"]
    assert tag_names(account) == {"approved"}
