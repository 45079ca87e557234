"""Ignore patterns in bounded time: they mean what the library makes of them, whatever they look like."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from fluxsync.replica.folder.patterns import MOST_BYTES, MOST_PATTERNS, parse, parse_file

_PART = st.one_of(
    st.just("**"),
    st.text("ab*?", min_size=1, max_size=6),
    st.sampled_from(["[ab]*", "[!a]", "*[b]*a", "\\*a*"]),
)
PATTERN = st.builds(
    lambda sign, parts, end: sign + "/".join(parts) + end,
    st.sampled_from(["", "!", "/"]),
    st.lists(_PART, min_size=1, max_size=5),
    st.sampled_from(["", "/"]),
)
PATH = st.builds(
    lambda parts, end: "/".join(parts) + end,
    st.lists(st.text("ab*", min_size=1, max_size=5), min_size=1, max_size=6),
    st.sampled_from(["", "/"]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PATTERN, min_size=1, max_size=3), PATH)
def test_bounded_patterns_decide_as_the_librarys_do(patterns: list[str], path: str) -> None:
    theirs, ours = GitIgnoreSpec.from_lines(patterns).check_file(path), parse(patterns).check_file(path)
    assert (ours.include, ours.index) == (theirs.include, theirs.index)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text("[]!^-*?/\\#a: ", max_size=30).map(str.encode))
def test_any_bytes_are_patterns_or_a_value_error(content: bytes) -> None:
    try:
        parse_file(content).check_file("a/b c.gif")
    except ValueError:
        pass


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 100 + "b",
        "/".join(["**", "a"] * 12) + "/b",
        "/".join(["**", "*a*a*a"] * 60) + "/b",
        "*" * 5000 + "b",
        "/".join(["**", *["*"] * 5, "**", "a*a*a*a*a"]) + "x",
    ],
)
def test_no_pattern_takes_long(pattern: str) -> None:
    spec = parse([pattern])
    started = time.process_time()
    for path in ("a" * 255, "a/" * 199 + "c", ("a" * 14 + "/") * 199 + "c"):
        assert not spec.match_file(path)
    assert time.process_time() - started < 1


def test_a_file_with_more_than_anybody_needs_is_refused() -> None:
    parse_file(b"x\n" * MOST_PATTERNS)
    with pytest.raises(ValueError, match="more than"):
        parse_file(b"x\n" * (MOST_PATTERNS + 1))
    with pytest.raises(ValueError, match="more than"):
        parse_file(b"x" * (MOST_BYTES + 1))
