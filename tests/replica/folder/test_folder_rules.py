"""Which paths take part, without a disk; and what a disk's names are like, with a played one."""

from __future__ import annotations

import errno
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsync.core.model import NameRules
from fluxsync.errors import Full, Rejected
from fluxsync.replica.folder import Folder, syscalls
from fluxsync.replica.folder.ignore import BUILT_IN, Rules, is_junk, parse
from fluxsync.replica.folder.names import from_text, probe, same_name, to_text
from fluxsync.replica.folder.stamps import quiet
from fluxsync.replica.folder.syscalls import At

HIDDEN = [
    ".DS_Store",
    "._logo.ai",
    "Icon\r",
    "Thumbs.db",
    "desktop.ini",
    "~$report.docx",
    "x.tmp",
    "~logo~k3x.idlk",
    ".~lock.a.odt#",
    "a.zip.crdownload",
    "a.zip.part",
    "Photoshop Temp47110815",
    "ps1A2B.tmp",
    "~ai-4711_.tmp",
    "a.txt~",
    "logo.bak",
    ".a.swp",
    "#a#",
]
SHOWN = [
    "logo.ai",
    "Icon",
    "Photoshop Templates",
    "4913",
    "bak.ai",
    "part",
    "tmp",
    "a.part.ai",
    "Thumbs.db.ai",
    ".fluxsyncignore",
]


@pytest.mark.parametrize("name", HIDDEN, ids=repr)
def test_what_programs_leave_behind_does_not_take_part(name: str) -> None:
    rules = Rules()
    assert not rules.admits(name)
    assert not rules.admits(f"Clients/{name}")
    assert not rules.admits(f"{name}/inside.ai")


@pytest.mark.parametrize("name", SHOWN)
def test_what_looks_a_little_like_it_does(name: str) -> None:
    assert Rules().admits(name)
    assert Rules().admits(f"Clients/{name}", is_folder=True)


@pytest.mark.parametrize(
    ("ignore", "path", "is_folder", "admitted"),
    [
        (["*.raw"], "a/b.raw", False, False),
        (["/b.raw"], "a/b.raw", False, True),
        (["raw/"], "raw", True, False),
        (["raw/"], "raw", False, True),
        (["raw/"], "a/raw/b.ai", False, False),
        (["*.raw", "!keep.raw"], "keep.raw", False, True),
        (["a/", "!a/keep.raw"], "a/keep.raw", False, False),
        (["!x.tmp"], "x.tmp", False, True),
        (["a/**/z.ai"], "a/b/c/z.ai", False, False),
        (["Mu\u0308ller/"], "M\u00fcller/a.ai", False, False),
        (["M\u00fcller/"], "Mu\u0308ller/a.ai", False, False),
    ],
)
def test_patterns_of_the_configuration(ignore: list[str], path: str, is_folder: bool, admitted: bool) -> None:
    assert Rules(ignore).admits(path, is_folder) is admitted


def test_the_deepest_ignore_file_that_says_something_decides() -> None:
    nested = {"": parse(["*.raw"]), "a": parse(["!*.raw"]), "a/b": parse(["c.raw"])}
    rules = Rules().with_nested(nested)
    assert [rules.admits(path) for path in ("x.raw", "a/x.raw", "a/b/c.raw", "a/b/x.raw")] == [
        False,
        True,
        False,
        True,
    ]


def test_an_ignore_file_holds_for_both_forms_of_its_folder() -> None:
    rules = Rules().with_nested({"u\u0308": parse(["*.raw"])})
    assert not rules.admits("u\u0308/x.raw")
    assert not rules.admits("\u00fc/x.raw")


def test_our_own_folder_takes_no_part() -> None:
    assert not Rules().admits(".fluxsync/root-id")


def test_an_anchored_pattern_is_anchored_at_its_own_file() -> None:
    rules = Rules().with_nested({"a": parse(["/x.ai"])})
    assert [rules.admits(path) for path in ("x.ai", "a/x.ai", "a/b/x.ai")] == [True, False, True]


@pytest.mark.parametrize(
    ("include", "path", "admitted"),
    [
        (["Clients/"], "Clients/a.ai", True),
        (["Clients/"], "Other/a.ai", False),
        (["*.psd"], "x/y/a.psd", True),
        (["*.psd"], "x/y/a.ai", False),
        (["**", "!*.mov"], "a.mov", False),
        (["**", "!*.mov"], "a.ai", True),
        (["**"], "a.tmp", False),
    ],
)
def test_selective_sync_applies_to_the_paths_of_files(include: list[str], path: str, admitted: bool) -> None:
    assert Rules(include=include).admits(path) is admitted


def test_a_bad_pattern_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="!"):
        Rules(["!"])


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0\n"), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)


@given(st.lists(names, min_size=1, max_size=4), st.integers(0, 3))
def test_what_lies_in_an_ignored_folder_is_ignored(parts: list[str], depth: int) -> None:
    hidden = [*parts[:depth], ".Trashes", *parts[depth:], "a.ai"]
    assert not Rules().admits("/".join(hidden))


@given(names)
def test_a_plain_name_is_hidden_exactly_when_git_would_hide_it(name: str) -> None:
    spec = parse(BUILT_IN)
    assert Rules().admits(name) is not spec.match_file(unicodedata.normalize("NFC", name))


@given(names)
def test_both_forms_of_a_name_are_judged_alike(name: str) -> None:
    rules = Rules(["*\u00fc*"])
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    assert rules.admits(composed) is rules.admits(decomposed)


def test_junk_is_only_what_systems_make_again() -> None:
    assert is_junk(".DS_Store")
    assert not is_junk("notes.tmp")


class PlayedDisk:
    """A folder on a disk with rules of its own."""

    def __init__(self, rules: NameRules) -> None:
        self.rules = rules
        self.kept: dict[str, str] = {}

    def makes(self, name: str) -> bool:
        if any(letter in name for letter in self.rules.forbidden):
            return False
        shown = name.rstrip(". ") if self.rules.trims_end else name
        key = shown if self.rules.form_sensitive else unicodedata.normalize("NFC", shown)
        key = key if self.rules.case_sensitive else key.casefold()
        if key in self.kept:
            return False
        self.kept[key] = shown
        return True


@pytest.mark.parametrize(
    "rules",
    [
        NameRules(),
        NameRules(case_sensitive=False),
        NameRules(form_sensitive=False),
        NameRules(case_sensitive=False, form_sensitive=False),
        NameRules(case_sensitive=False, forbidden=frozenset('\\:*?"<>|'), trims_end=True),
    ],
    ids=["ext4", "casefold", "forms", "apfs", "ntfs"],
)
def test_the_probe_finds_the_rules_of_a_disk(rules: NameRules) -> None:
    disk = PlayedDisk(rules)
    assert probe(disk.makes, lambda: disk.kept.values(), "name") == rules


def test_names_are_one_only_where_the_disk_says_so() -> None:
    insensitive = NameRules(case_sensitive=False, form_sensitive=False)
    assert same_name("M\u00dcLLER", "mu\u0308ller", insensitive)
    assert not same_name("a", "A", NameRules())
    assert not same_name("\u00fc", "u\u0308", NameRules(case_sensitive=False))


@pytest.mark.parametrize(
    ("mtime_ns", "ctime_ns", "now_ns", "expected"),
    [
        (10_000_000_001, 10_000_000_001, 10_100_000_000, True),
        (10_000_000_001, 10_000_000_001, 10_010_000_000, False),
        (10_000_000_000, 10_000_000_000, 11_000_000_000, False),
        (10_000_000_000, 10_000_000_000, 12_000_000_000, True),
        (99_000_000_001, 10_000_000_001, 20_000_000_000, True),
    ],
    ids=["old", "within the grain", "coarse clock", "coarse and old", "from the future"],
)
def test_a_file_is_quiet_when_the_next_write_would_show(
    mtime_ns: int, ctime_ns: int, now_ns: int, expected: bool
) -> None:
    assert quiet(mtime_ns, ctime_ns, now_ns) is expected


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE])
def test_a_disk_without_room_does_not_pass_for_one_that_knows_no_capitals(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """What an earlier run found out holds; without that, the trouble is said."""
    create = syscalls.create
    made = 0

    def lacking(at: At, mode: int = 0o666) -> int:
        nonlocal made
        made += 1
        if made > 1:
            raise OSError(number, os.strerror(number))
        return create(at, mode)

    known = Folder(root)
    known.prepare()
    rules, text = known.capabilities.names, known.names_text
    monkeypatch.setattr(syscalls, "create", lacking)
    unknowing = Folder(root)
    with pytest.raises(Full if number != errno.EMFILE else Rejected):
        _ = unknowing.capabilities
    made = 0
    again = Folder(root)
    again.names_text = text
    if number != errno.EMFILE:
        assert again.capabilities.names == rules
    assert os.listdir(root / ".fluxsync/tmp") == []


def test_rules_for_names_survive_as_text() -> None:
    rules = NameRules(False, True, 200, frozenset(':?"'), True, frozenset({"con"}))
    assert from_text(to_text(rules)) == rules
