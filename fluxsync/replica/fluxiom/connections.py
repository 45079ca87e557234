"""How connections are made: certificates, proxies, pools."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import httpx
import truststore

from fluxsync.errors import ConfigError

__all__ = ["connect"]


def connect(
    *,
    tls: bool,
    width: int,
    timeout_s: float,
    ca_file: str,
    headers: Mapping[str, str],
    local: bool = False,
) -> httpx.Client:
    """Return a pooled keep-alive client for at most `width` connections, shared by all threads.

    Raises `ConfigError` where the certificate file or the proxy cannot be used.
    """
    # Reading the system's certificates takes longer than a request to a near service.
    context: ssl.SSLContext = (
        truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    if tls and ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ValueError):
            raise ConfigError(
                f'[remote] ca_file = "{ca_file}": holds no certificate that can be read: name a PEM file'
            ) from None
    limits = httpx.Limits(max_connections=width, max_keepalive_connections=width, keepalive_expiry=15)
    try:
        # The environment names proxies, and nothing else is taken from it; this machine needs none.
        return _Client(
            verify=context,
            limits=limits,
            timeout=httpx.Timeout(timeout_s, pool=None),
            headers={"Accept-Encoding": "gzip", **headers},
            trust_env=not local,
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        # Not quoted: it may hold a password.
        raise ConfigError(
            "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names a proxy that cannot be used:"
            " write it like http://proxy.example.com:3128, or unset it"
        ) from None


class _NoCookies(httpx.Cookies):
    """Every request says who asks: what a service wants kept besides is not kept, nor even looked for."""

    def extract_cookies(self, response: httpx.Response) -> None:
        pass


_NO_COOKIES = _NoCookies()


class _Client(httpx.Client):
    @property
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        pass
