"""Names of conflict copies, and which conflicts stand."""

from hypothesis import given
from hypothesis import strategies as st

from fluxsync.core.conflicts import copy_path, original_of, standing, unmarked

LABEL = "2026-11-22 174501 HOST"
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=300)
COPY = "A/logo (conflicted copy 2026-11-22 174501 HOST).gif"


def free(path: str) -> bool:
    return False


@given(name=NAMES, taken=st.integers(0, 3))
def test_a_copy_fits_on_the_disk_and_names_its_original(name: str, taken: int) -> None:
    path = f"A/{name}"
    used: set[str] = set()
    for _ in range(taken + 1):
        copy = copy_path(path, LABEL, used.__contains__)
        assert copy not in used
        used.add(copy)
    longest = max(255, len(name.encode()))
    assert len(copy.removeprefix("A/").encode()) <= longest
    if len(name.encode()) <= 200:
        assert original_of(copy) == path


def test_a_long_extension_is_kept_and_the_stem_is_cut() -> None:
    copy = copy_path("ü" * 120 + ".psd", LABEL, free)
    assert copy.endswith(f" (conflicted copy {LABEL}).psd")
    assert len(copy.encode()) <= 255


def test_a_copy_of_a_copy_names_the_copy() -> None:
    assert original_of(copy_path(COPY, LABEL, free)) == COPY


def test_an_ordinary_name_is_no_conflict_copy() -> None:
    for path in (
        "logo.gif",
        "logo (conflicted copy).gif",
        "a (conflicted copy x)/logo.gif",
        "logo (copy).gif",
    ):
        assert original_of(path) is None


def test_an_unmarked_copy_has_a_free_ordinary_name() -> None:
    assert unmarked(COPY, {"A/logo.gif", "A/logo 2.gif"}.__contains__) == "A/logo 3.gif"
    assert original_of(unmarked(COPY, free)) is None


def test_a_conflict_stands_as_long_as_both_files_do() -> None:
    both = ["A/logo.gif", COPY]
    assert standing([], both) == {COPY: "A/logo.gif"}
    assert standing([("A/logo.gif", COPY)], both) == {COPY: "A/logo.gif"}
    for left in both:
        assert standing([("A/logo.gif", COPY)], [left]) == {}


def test_a_copy_whose_name_was_cut_is_known_by_the_machine_that_made_it() -> None:
    cut = "lo (conflicted copy 2026-11-22 174501 HOST).gif"
    assert standing([("long.gif", cut)], ["long.gif", cut]) == {cut: "long.gif"}
    assert standing([], ["long.gif", cut]) == {}
