"""A journal belongs to one root and one account."""

from __future__ import annotations

import pytest

from fluxsync.core.model import Item, Kind
from fluxsync.engine.bind import bind_account, bind_lineage, bind_root
from fluxsync.errors import Halted
from fluxsync.state.journal import Journal

an_item = Item(0, Kind.FILE, "a.gif", "7", "", "a.gif", revision=3, size=1, digest="d")


class Root:
    """A root with or without a marker."""

    def __init__(self, marker: str | None) -> None:
        self.marker = marker
        self.written = 0
        self.marks: dict[str, str] = {}

    def root_id(self) -> str | None:
        return self.marker

    def write_root_id(self, root_id: str) -> None:
        self.marker = root_id
        self.written += 1

    def journal_mark(self, account: str) -> str | None:
        return self.marks.get(account)

    def write_journal_mark(self, account: str, mark: str) -> None:
        self.marks[account] = mark


def journal(**facts: str) -> Journal:
    made = Journal.in_memory()
    made.set_facts(facts)
    return made


@pytest.mark.parametrize("dry_run", [False, True], ids=["pass", "dry run"])
class TestRoot:
    def test_the_journals_own_root_is_fine(self, dry_run: bool) -> None:
        known, root = journal(root_id="one"), Root("one")
        bind_root(known, root, dry_run=dry_run)
        assert (known.fact("root_id"), root.marker, root.written) == ("one", "one", 0)

    @pytest.mark.parametrize("marker", ["two", None], ids=["another marker", "no marker"])
    def test_another_root_is_halted_and_nothing_is_written(self, marker: str | None, dry_run: bool) -> None:
        known, root = journal(root_id="one"), Root(marker)
        with pytest.raises(Halted, match="rebuild"):
            bind_root(known, root, dry_run=dry_run)
        assert (known.fact("root_id"), root.marker, root.written) == ("one", marker, 0)

    def test_an_empty_journal_adopts_the_marker_that_it_finds(self, dry_run: bool) -> None:
        known, root = journal(), Root("one")
        bind_root(known, root, dry_run=dry_run)
        assert known.fact("root_id") == (None if dry_run else "one")
        assert (root.marker, root.written) == ("one", 0)

    def test_an_empty_journal_marks_a_root_without_marker(self, dry_run: bool) -> None:
        known, root = journal(), Root(None)
        bind_root(known, root, dry_run=dry_run)
        assert known.fact("root_id") == root.marker
        assert (root.marker is None, root.written) == (dry_run, 0 if dry_run else 1)


@pytest.mark.parametrize("dry_run", [False, True], ids=["pass", "dry run"])
class TestAccount:
    def test_the_journals_own_account_is_fine(self, dry_run: bool) -> None:
        known = journal(account="https://acme:443")
        bind_account(known, "https://acme:443", dry_run=dry_run)
        assert known.fact("account") == "https://acme:443"

    def test_another_account_is_halted_with_both_named(self, dry_run: bool) -> None:
        known = journal(account="https://acme:443")
        with pytest.raises(Halted, match=r"https://acme:443.*https://other:443.*rebuild"):
            bind_account(known, "https://other:443", dry_run=dry_run)
        assert known.fact("account") == "https://acme:443"

    def test_an_empty_journal_takes_the_account(self, dry_run: bool) -> None:
        known = journal()
        bind_account(known, "https://acme:443", dry_run=dry_run)
        assert known.fact("account") == (None if dry_run else "https://acme:443")


def test_two_markers_are_never_alike() -> None:
    one, other = Root(None), Root(None)
    bind_root(journal(), one)
    bind_root(journal(), other)
    assert one.marker != other.marker


def test_after_forgetting_everything_another_root_and_account_are_bound() -> None:
    known = journal(root_id="one", account="https://acme:443")
    known.forget_all()
    bind_root(known, Root("two"))
    bind_account(known, "https://other:443")
    assert (known.fact("root_id"), known.fact("account")) == ("two", "https://other:443")


class TestLineage:
    def test_the_root_hears_of_each_advance(self) -> None:
        ours, root = journal(), Root("one")
        bind_lineage(ours, root, "acme")
        assert root.marks == {}
        ours.advance([an_item])
        ours.advance([], [1])
        assert root.marks == {"acme": f"{ours.journal_id} 2"}

    def test_the_journal_that_worked_last_goes_on(self) -> None:
        ours, root = journal(), Root("one")
        bind_lineage(ours, root, "acme")
        ours.advance([an_item])
        bind_lineage(ours, root, "acme")
        assert len(ours.items()) == 1
        assert ours.set_aside is None

    @pytest.mark.parametrize(
        ("mark", "says"),
        [("{id} 2", "the journal was an older copy"), ("0badcafe 1", "another journal has worked")],
        ids=["a later state", "another journal"],
    )
    def test_one_that_is_behind_forgets_all_but_what_contents_were(self, mark: str, says: str) -> None:
        ours, root = journal(root_id="one", account="acme"), Root("one")
        ours.advance([an_item])
        root.marks["acme"] = mark.format(id=ours.journal_id)
        bind_lineage(ours, root, "acme")
        assert ours.items() == []
        assert ours.digests() == {("7", 3): "d"}
        assert (ours.fact("root_id"), ours.fact("account")) == ("one", "acme")
        assert ours.set_aside is not None
        assert says in ours.set_aside
        assert not ours.is_behind(root.marks["acme"])

    @pytest.mark.parametrize("mark", ["", "{id}", "{id} x", "0badcafe ", "{id} 1"])
    def test_a_mark_that_says_nothing_changes_nothing(self, mark: str) -> None:
        ours, root = journal(), Root("one")
        ours.advance([an_item])
        root.marks["acme"] = mark.format(id=ours.journal_id)
        bind_lineage(ours, root, "acme")
        assert len(ours.items()) == 1

    def test_an_empty_journal_is_never_behind(self) -> None:
        ours, root = journal(), Root("one")
        root.marks["acme"] = "0badcafe 7"
        bind_lineage(ours, root, "acme")
        assert ours.set_aside is None

    def test_journals_of_two_accounts_do_not_hear_of_each_other(self) -> None:
        one, other, root = journal(), journal(), Root("one")
        for ours, account in ((one, "acme"), (other, "ajax"), (one, "acme"), (other, "ajax")):
            bind_lineage(ours, root, account)
            ours.advance([an_item])
        assert (len(one.items()), len(other.items())) == (2, 2)
