"""Addresses: the origin that may see the password, and where a redirect may lead."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from fluxsync.errors import ConfigError, Unavailable

__all__ = ["Origin", "follow", "host_of", "origin_of", "read_origin"]

_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Origin:
    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return self.host in _LOOPBACK


def origin_of(url: str) -> Origin | None:
    """Return where a URL leads, None where it is no address of the web, or carries a user name."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or "\\" in url:
        return None
    return Origin(parts.scheme, parts.hostname, port or _PORTS[parts.scheme])


def host_of(url: str) -> str:
    origin = origin_of(url)
    return origin.host if origin else ""


def read_origin(url: str, *, allow_http: bool) -> Origin:
    """Return the origin of the configured address. Raises `ConfigError`."""
    origin = origin_of(url)
    if origin is None:
        raise ConfigError("[remote] url must be like https://acme.fluxiom.com, without user name or password")
    if origin.scheme == "http" and not origin.is_loopback and not allow_http:
        raise ConfigError(
            f"[remote] url is plain http to {origin.host}, which shows the password to the network; "
            "use https, or set [remote] allow_http"
        )
    return origin


def follow(source: str, location: str, what: str) -> str:
    """Return where a redirect leads. Raises `Unavailable` where it is no address, or a less safe one."""
    try:
        target = urljoin(source, location)
    except ValueError:
        target = ""
    origin = origin_of(target)
    if origin is None or (source.startswith("https:") and origin.scheme != "https"):
        raise Unavailable(f"cannot {what}: redirected to an address that is not safe to follow")
    return target
