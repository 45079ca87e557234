"""How connections are made: certificates, proxies, pools."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import httpx
import truststore

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
    """Return a pooled keep-alive client for at most `width` connections, shared by all threads."""
    # Reading the system's certificates takes longer than a request to a near service.
    context: ssl.SSLContext = (
        truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    if tls and ca_file:
        context.load_verify_locations(cafile=ca_file)
    limits = httpx.Limits(max_connections=width, max_keepalive_connections=width, keepalive_expiry=15)
    # The environment names proxies, and nothing else is taken from it; this machine needs none.
    return httpx.Client(
        verify=context,
        limits=limits,
        timeout=httpx.Timeout(timeout_s, pool=None),
        headers=headers,
        trust_env=not local,
    )
