"""What a status code means: the one place where answers become errors.

The service documents 200 and the 404 of an empty list; everything else follows HTTP.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping

from fluxsync.errors import FluxsyncError, Rejected, Stale, Unauthorized, Unavailable

__all__ = ["RIGHT", "Passing", "is_elsewhere", "looks_like_html", "reason_of", "refusal"]

#: The right that uploads, edits and downloads of originals need.
RIGHT = "manage_assets"

_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class Passing(Unavailable):
    """Trouble that may be over at the next try: the same read is worth repeating at once."""


def looks_like_html(content_type: str, start: bytes) -> bool:
    """Tell a web page from an answer of the service; no body at all is no page, whatever its type."""
    head = start[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<!doctype html", b"<html")) or (head != b"" and "html" in content_type.lower())


def is_elsewhere(status: int, headers: Mapping[str, str], body: bytes | None = None) -> bool:
    """Tell whether something between here and the service answered: a login page, or the way to one."""
    if 300 <= status < 400:
        return True
    return 200 <= status < 300 and looks_like_html(
        headers.get("Content-Type", ""), b"?" if body is None else body
    )


def reason_of(body: bytes, hide: Callable[[str], str] = lambda text: text) -> str:
    """Return the first 200 printable characters of an error answer, without markup and what `hide` hides."""
    # Little is looked at: a body made for it keeps the expression busy for the square of its length.
    text = html.unescape(_TAGS.sub(" ", body[:4000].decode("utf-8", "replace")))
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return hide(words)[:200]


def refusal(
    status: int,
    body: bytes,
    what: str,
    *,
    write: bool,
    has_right: bool | None,
    of_one: bool = False,
    hide: Callable[[str], str] = lambda text: text,
) -> FluxsyncError:
    """Return the error for an answer that is neither success, redirect, 401, 429 nor 503.

    `what` says what was asked for; `has_right` whether the user has the right to change assets, None where
    nobody asked yet; `of_one` that it is about one asset, which may be closed to a user who sees the others;
    `hide` takes secrets out of a text: a service may repeat what it was sent.
    """
    reason = reason_of(body, hide)
    said = f": {reason}" if reason else ""
    if status == 403:
        if write and has_right:
            return Rejected(f"the service does not allow to {what}{said}")
        if write:
            return Unauthorized(f"the user may not {what}: the right {RIGHT} is needed")
        if of_one and has_right is not None:
            return Rejected(f"the service does not allow to {what}{said}")
        return Unauthorized(f"the user may not {what} (403): is the account's API switched on?")
    if status in (404, 410):
        return Stale(f"cannot {what}: it is gone from the account")
    if status == 413:
        return Rejected(f"cannot {what}: too large for the service{said}")
    if status == 408 or status >= 500:
        return Passing(f"the service failed to {what} ({status})")
    return Rejected(f"the service refused to {what} ({status}){said}")
