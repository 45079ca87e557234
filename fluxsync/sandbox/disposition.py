"""The Content-Disposition header, read and written.

A file name arrives in any of three ways: as browsers write it (UTF-8, with `"`, CR and LF as %22, %0D and %0A
and nothing else escaped), as a quoted string with backslash escapes, or as `filename*` with UTF-8 and percent
escapes. The name is kept as sent: no folder part is cut off and nothing is forbidden, since no document does.
"""

import re
from urllib.parse import quote, unquote_to_bytes

from fluxsync.sandbox.errors import MalformedRequest

_NAME = re.compile(r"\s*;\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*")
_TOKEN = re.compile(r"[^;]*")
_EXTENDED = re.compile(r"(?i:utf-8)'[^']*'(.*)", re.DOTALL)


def parameters(header: str) -> dict[str, str]:
    """Read `form-data; name="file"; filename="logo.gif"` into its parameters, names in lower case."""
    found: dict[str, str] = {}
    at = header.find(";")
    while 0 <= at < len(header):
        name = _NAME.match(header, at)
        if name is None:
            break
        at = name.end()
        if header[at : at + 1] == '"':
            value, at = _quoted(header, at + 1)
        else:
            token = _TOKEN.match(header, at)
            assert token is not None
            value, at = token.group().strip(), token.end()
        found.setdefault(name.group(1).lower(), value)
    return found


def filename(found: dict[str, str]) -> str | None:
    """Return the file name among the parameters, or None where the part is not a file."""
    extended = _EXTENDED.fullmatch(found.get("filename*", ""))
    if extended:
        try:
            return unquote_to_bytes(extended.group(1)).decode()
        except UnicodeDecodeError as error:
            raise MalformedRequest("the file name is not UTF-8") from error
    name = found.get("filename")
    return None if name is None else name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _quoted(header: str, at: int) -> tuple[str, int]:
    """Return a quoted string that begins at this place, and where it ends.

    Before a quote or another backslash, a backslash escapes; elsewhere it is itself, since browsers do not
    escape it. Before the header's last quote it is itself, too: that quote ends the string.
    """
    last = header.rfind('"')
    value: list[str] = []
    while at <= last:
        char = header[at]
        after = header[at + 1 : at + 2]
        if char == '"':
            return "".join(value), at + 1
        if char == "\\" and (after == "\\" or (after == '"' and at + 1 < last)):
            value.append(after)
            at += 2
        else:
            value.append(char)
            at += 1
    raise MalformedRequest("a quoted string in Content-Disposition has no end")


def attachment(name: str) -> str:
    """Write the header of a download: an ASCII name for old programs and the exact one as RFC 5987 has it."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
