"""What may be sent with a request: one small JSON object, and nothing in it that nobody reads."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence

from flask import Request

from fluxsync.web.answers import Refused

__all__ = ["MOST_BYTES", "body", "one_of", "paths", "text", "wait"]

#: Bytes of a body.
MOST_BYTES = 65_536


def body(request: Request, keys: Collection[str] = (), optional: Collection[str] = ()) -> dict[str, object]:
    """Return the object that was sent; where it needs no key, nothing need be sent.

    Raises `Refused` where it is no JSON, a key is missing, or one is there that is not known.
    """
    # Read in any case: a body that is too large is refused here.
    sent = request.get_data(cache=False)
    if not sent and not keys:
        return {}
    if request.mimetype != "application/json":
        raise Refused(415, "send JSON, with Content-Type: application/json")
    try:
        found = json.loads(sent)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON") from None
    if not isinstance(found, dict):
        raise Refused(400, "the body is no JSON object")
    for key in keys:
        if key not in found:
            raise Refused(400, f"{key} is missing")
    if unknown := found.keys() - {*keys, *optional}:
        known = ", ".join([*keys, *optional]) or "none"
        raise Refused(400, f"there is no key {min(unknown)!r} here; known: {known}")
    return found


def paths(found: dict[str, object], key: str = "paths") -> list[str]:
    """Return paths below the root. Raises `Refused` where there is none, or one that leads elsewhere."""
    texts = found[key]
    if not isinstance(texts, list) or not texts or not all(isinstance(path, str) for path in texts):
        raise Refused(400, f"{key} must be a list of paths, one at least")
    for path in texts:
        parts = path.removesuffix("/").split("/")
        if not {"", ".", ".."}.isdisjoint(parts) or "\0" in path:
            raise Refused(400, f"{key}: each is a path below the root, as /api/status shows it")
    return list(texts)


def one_of(found: dict[str, object], key: str, words: Sequence[str]) -> str:
    """Return one of these words. Raises `Refused`."""
    word = found[key]
    if not isinstance(word, str) or word not in words:
        raise Refused(400, f"{key} must be one of {', '.join(words)}")
    return word


def text(found: dict[str, object], key: str) -> str | None:
    """Return a text, or None where the key is missing. Raises `Refused`."""
    value = found.get(key)
    if key in found and not isinstance(value, str):
        raise Refused(400, f"{key} must be a text")
    return value if isinstance(value, str) else None


def wait(request: Request) -> float | None:
    """Return for how many seconds an answer is waited for; None: until it is there. Raises `Refused`."""
    if unknown := request.args.keys() - {"wait"}:
        raise Refused(400, f"there is no parameter {min(unknown)!r} here; known: wait")
    given = request.args.get("wait")
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 86_400:
        raise Refused(400, "wait must be seconds, 0 for not at all")
    return seconds
