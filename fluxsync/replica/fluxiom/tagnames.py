"""Folder paths as tag names, one to one.

What a tag list cannot carry is percent-encoded: a comma and control characters anywhere, a blank at either
end of the whole name. A `%` is encoded (`%25`) only where it stands before hex digits that would decode.
The way down decodes exactly what the way up writes, upper-case digits only, and nothing else.

Why that is one to one: an escape is `%`, any number of `25`, and the digits of one such character. The way up
adds a `25` to those that stand in the path and writes those without any `25` for the characters
themselves; the way down takes one away. Nothing else is touched, and no other text becomes an escape by it,
for what is written always begins with `%` and ends with all the digits of one character.
"""

from __future__ import annotations

import re

from fluxsync.core.paths import nfc

__all__ = ["decode_tag", "encode_folder", "is_hostile"]


def _digits(character: str) -> str:
    """Return a character's escape without its first "%"."""
    return "%".join(f"{byte:02X}" for byte in character.encode())


_ANYWHERE = {c: _digits(c) for c in map(chr, (0x2C, *range(0x20), *range(0x7F, 0xA0)))}
_BLANKS = (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
_AT_AN_END = {c: _digits(c) for c in map(chr, _BLANKS)}
_BY_CHARACTER = _ANYWHERE | _AT_AN_END
_BY_DIGITS = {digits: c for c, digits in _BY_CHARACTER.items()}

_ESCAPE = re.compile(rf"%((?:25)*)({'|'.join(sorted(_BY_DIGITS, key=len, reverse=True))})")
_UPWARD = re.compile(
    rf"{_ESCAPE.pattern}|([{re.escape(''.join(_ANYWHERE))}])|([{re.escape(''.join(_AT_AN_END))}])"
)


def _counts(match: re.Match[str], character: str) -> bool:
    """Tell whether an escape for this character means anything where it stands."""
    return character in _ANYWHERE or match.start() == 0 or match.end() == len(match.string)


def _encode(match: re.Match[str]) -> str:
    raw = match[3] or match[4]
    if raw:
        return f"%{_BY_CHARACTER[raw]}" if _counts(match, raw) else raw
    return f"%25{match[0][1:]}" if _counts(match, _BY_DIGITS[match[2]]) else match[0]


def _decode(match: re.Match[str]) -> str:
    character = _BY_DIGITS[match[2]]
    if not _counts(match, character):
        return match[0]
    return f"%{match[0][3:]}" if match[1] else character


def is_hostile(name: str) -> bool:
    """Tell whether a tag name has parts that no folder can have: empty, "." or ".."."""
    return not {"", ".", ".."}.isdisjoint(name.split("/"))


def encode_folder(path: str) -> str:
    """Return the name of the tag that means this folder; in composed form."""
    return _UPWARD.sub(_encode, nfc(path))


def decode_tag(name: str) -> str:
    """Return the path of the folder that a tag name means.

    A hostile name is one folder: its slashes are encoded, and its dots where nothing but dots is left.
    """
    path = _ESCAPE.sub(_decode, name) if "%" in name else name
    if is_hostile(path):
        path = path.replace("/", "%2F")
        if is_hostile(path):
            path = path.replace(".", "%2E")
    return path
