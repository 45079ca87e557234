r"""Gitignore patterns that match in bounded time, whoever wrote them.

`.fluxsyncignore` files come from the account, too. What the library makes of `*a*a*a*a*b` tries every way to
share out a name among the stars, which takes for ever. It is enough to try the first place where what follows
a star fits: any later one leaves less for the next star. So every repetition but the last of its kind becomes
an atomic group, which keeps its first choice:

    *a*b          [^/]*a[^/]*b                  ->  (?>[^/]*?a)[^/]*b
    **/a/**/b     ^(?:.+/)?a(?:/.+)?/b          ->  ^(?>(?:.+?/)??a(?=/))(?:/.+)?/b
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from fluxsync.core.paths import nfc

__all__ = ["MOST_BYTES", "parse", "parse_file"]

#: What a `.fluxsyncignore` file may hold; each pattern is tried on each path.
MOST_BYTES = 1 << 16
MOST_PATTERNS = 1000

_STAR = "[^/]*"
_STARS = re.compile(rf"(?:{re.escape(_STAR)}){{2,}}")
_LEAD = "^(?:.+/)?"
_INNER = "(?:/.+)?/"


class _Pattern(GitIgnoreSpecPattern):
    __slots__ = ()

    @classmethod
    def pattern_to_regex(cls, pattern: str) -> tuple[str | None, bool | None]:  # type: ignore[override]
        regex, include = super().pattern_to_regex(pattern)
        return (_bounded(regex) if regex else regex), include


def parse(lines: Iterable[str]) -> GitIgnoreSpec:
    """Read gitignore patterns. Raises `ValueError` where one is none."""
    try:
        with warnings.catch_warnings():
            # Of brackets that Python will read in another way one day.
            warnings.simplefilter("ignore", FutureWarning)
            return GitIgnoreSpec.from_lines([nfc(line) for line in lines], _Pattern, backend="simple")
    except re.error as error:
        raise ValueError(f"no pattern: {error}") from None


def parse_file(content: bytes) -> GitIgnoreSpec:
    """Read the patterns of a file. Raises `ValueError`, also where there are more than anybody needs."""
    lines = content.decode("utf-8", "replace").splitlines()
    if len(content) > MOST_BYTES or len(lines) > MOST_PATTERNS:
        raise ValueError(f"it holds more than {MOST_PATTERNS:,} lines or {MOST_BYTES // 1024} KiB")
    return parse(lines)


def _bounded(regex: str) -> str:
    *blocks, last = _STARS.sub(lambda _: _STAR, regex).split(_INNER)
    bounded = ""
    for number, block in enumerate(blocks):
        if number:
            bounded += f"(?>(?:/.+?)??/{_one_way(block)}(?=/))"
        elif block.startswith(_LEAD):
            bounded += f"^(?>(?:.+?/)??{_one_way(block.removeprefix(_LEAD))}(?=/))"
        else:
            bounded += f"{_one_way(block)}(?=/)"
    return bounded + (_INNER if blocks else "") + _one_way(last)


def _one_way(block: str) -> str:
    """Let every star but the last take the first place where what follows it fits."""
    first, *rest = block.split(_STAR)
    if not rest:
        return first
    *between, last = rest
    return first + "".join(f"(?>[^/]*?{part})" for part in between) + _STAR + last
