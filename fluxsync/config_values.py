"""Values as people write them in the configuration, and what they mean.

Each function takes what stands there and returns it checked. It raises ValueError with what is wrong and the
cure, to be put behind the name of the key.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = [
    "Limit",
    "Size",
    "check_loopback",
    "check_tag",
    "check_username",
    "expand",
    "is_loopback",
    "parse_ca_file",
    "parse_limit",
    "parse_rate",
    "parse_root",
    "parse_size",
    "parse_url",
]

#: A limit never stops so few files.
_ALWAYS_ALLOWED = 10
_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_UNITS |= {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}


# -- amounts -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limit:
    """How many files may be touched: a share of what is tracked, a count, or the smaller of both."""

    share: float | None
    count: int | None

    def most(self, tracked: int) -> int:
        """Return how many are allowed (exactly so many still are), never less than 10."""
        bounds = [] if self.count is None else [self.count]
        if self.share is not None:
            # The small addition keeps 29 % of 100 from being 28.
            bounds.append(int(self.share * tracked + 1e-6))
        return max(_ALWAYS_ALLOWED, min(bounds))


@dataclass(frozen=True, slots=True)
class Size:
    """A size as a share of a disk or in bytes; exactly one of both is set."""

    share: float | None
    bytes: int | None

    def of(self, disk_bytes: int) -> int:
        """Return the size in bytes on a disk of so many."""
        return int((self.share or 0.0) * disk_bytes) if self.bytes is None else self.bytes


def _percent(text: str) -> float:
    """Return "25%" as 0.25."""
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text)
    if not number or float(number[1]) > 100:
        raise ValueError('a share is written like "25%", 0% to 100%')
    return float(number[1]) / 100


def _byte_count(text: str) -> int | None:
    """Return "2 MB" as 2000000 and "2 MiB" as 2097152, or None for anything else."""
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?|)b?", text.strip().lower())
    return int(float(number[1]) * _UNITS[number[2]]) if number else None


def parse_limit(value: object) -> Limit:
    """Return "25%, 1000" as a limit."""
    if isinstance(value, Limit):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    cure = 'write a share, a count or both, like "25%, 1000"'
    if not isinstance(value, str):
        raise ValueError(cure)
    share: float | None = None
    count: int | None = None
    for part in (part.strip() for part in value.split(",")):
        if part.endswith("%") and share is None:
            share = _percent(part)
        elif part.isascii() and part.isdigit() and count is None:
            count = int(part)
        else:
            raise ValueError(cure)
    return Limit(share, count)


def parse_size(value: object) -> Size:
    """Return "10%" or "20 GB" as a size."""
    if isinstance(value, Size):
        return value
    if isinstance(value, str) and value.strip().endswith("%"):
        return Size(_percent(value.strip()), None)
    count = _byte_count(value) if isinstance(value, str) else None
    if count is None:
        raise ValueError('write a share of the disk or a size, like "10%" or "20 GB"')
    return Size(None, count)


def parse_rate(value: object) -> int | None:
    """Return "2 MB/s" as bytes for each second, and "" as None."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError('write a rate like "2 MB/s", or "" for none')
    count = _byte_count(re.sub(r"/\s*s\s*$", "", value.strip()))
    if not count:
        raise ValueError('write a rate like "2 MB/s", or "" for none')
    return count


# -- addresses and names -----------------------------------------------------------------------------------


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    host = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def parse_url(value: str) -> str:
    """Return an address as scheme, host and port, without a slash at its end."""
    example = "https://NAME.fluxiom.com"
    try:
        parts = urlsplit(value.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"is no address: write it like {example}") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("carries a user or a password: put them into username and password_command")
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"is no http address: write it like {example}")
    if not re.fullmatch(r"[\w.:-]+", host):
        raise ValueError(f"has no valid host name: write it like {example}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"has a path or a query: leave only scheme and host, like {example}")
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{bracketed}" + (f":{port}" if port is not None else "")


def check_username(value: str) -> str:
    """Return a user that a login can carry."""
    if ":" in value:
        raise ValueError("holds a colon, which no login can carry: write the user alone")
    if not value.strip():
        raise ValueError("is empty: write one")
    return value


def check_tag(value: str) -> str:
    """Return a tag that the account takes as it is."""
    if not value.strip() or value != value.strip() or "," in value or not value.isprintable():
        raise ValueError("is no tag: no comma, no blanks at the ends, not empty")
    return value


def check_loopback(value: str) -> str:
    """Return a host that is this machine."""
    if not is_loopback(value):
        raise ValueError("is not this machine: the HTTP interface answers 127.0.0.1 or ::1 only")
    return value


# -- paths -------------------------------------------------------------------------------------------------


def expand(value: str) -> str:
    """Return a path with the home directory in the place of `~`."""
    try:
        return str(Path(value).expanduser()) if value else ""
    except RuntimeError:
        raise ValueError("has an unknown home directory: write the whole path") from None


def parse_root(value: object) -> Path:
    """Return the whole path of a folder that may be synced; it need not be there."""
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError('is no folder: write one, like "~/Fluxiom"')
    whole = expand(value)
    if not os.path.isabs(whole):
        raise ValueError('depends on where fluxsync is started: write the whole path, or begin it with "~"')
    try:
        root = Path(whole).resolve()
        kind = "file" if root.exists() and not root.is_dir() else ""
    except OSError as error:
        raise ValueError(f"cannot be looked at ({error.strerror}): write another folder") from None
    if kind:
        raise ValueError("is a file: write the folder that is to be synced")
    if root == Path(root.anchor):
        raise ValueError("is the whole disk: write a folder below it")
    return root


def parse_ca_file(value: str) -> str:
    """Return the path of a file that can be read, or ""."""
    path = expand(value)
    if path and not (os.path.isfile(path) and os.access(path, os.R_OK)):
        raise ValueError("is no readable file: write the path of a PEM file, or leave it empty")
    return path
