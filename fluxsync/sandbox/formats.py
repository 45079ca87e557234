"""Which format a request wants: XML, JSON, or JSON in a function call.

The extension decides [000, 001]. Without one, as the request tables print their addresses, it is undocumented
what comes back: here JSON, unless the Accept header names XML and not, before it, JSON. `?callback=foo` wraps
JSON [web-api].
"""

import re
from enum import Enum

from fluxsync.sandbox.errors import MalformedRequest

_CALLBACK = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*", re.ASCII)
_MAX_CALLBACK = 100


class Format(Enum):
    """What an answer is written in."""

    XML = "xml"
    JSON = "json"


def split(path: str) -> tuple[str, Format | None]:
    """Take the format's extension off a path: `/api/assets/7.xml` is `/api/assets/7` in XML."""
    for wanted in Format:
        if path.endswith(f".{wanted.value}"):
            return path[: -len(wanted.value) - 1], wanted
    return path, None


def accepted(accept: str) -> Format:
    """Return the format for a request without extension."""
    before, xml, _ = accept.lower().partition("xml")
    return Format.XML if xml and "json" not in before else Format.JSON


def checked_callback(name: str) -> str:
    """Return the name of a JSONP function; anything else would be script that comes from the address."""
    if name and (len(name) > _MAX_CALLBACK or not _CALLBACK.fullmatch(name)):
        raise MalformedRequest("callback is not the name of a function")
    return name
