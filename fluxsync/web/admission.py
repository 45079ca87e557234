"""Who may ask: only names of this machine are answered, and only the token's holder sees files or commands.

A page of another site can send requests here, under a name of its own that it lets point to this machine, or
across origins: Host and Origin tell. Other users of this machine can, too: they cannot read the token.
"""

from __future__ import annotations

import hmac

from flask import Request

from fluxsync.web.answers import Refused

__all__ = ["TOKEN_HEADER", "Admission"]

TOKEN_HEADER = "X-Fluxsync-Token"
#: What everybody on this machine may read: no name of a file is in it.
_OPEN = frozenset({"/", "/healthz", "/metrics"})


class Admission:
    """Checks requests to a server that listens on `host` and `port`."""

    def __init__(self, token: str, host: str, port: int) -> None:
        self._token = token.encode()
        bracketed = f"[{host}]" if ":" in host else host
        names = {"127.0.0.1", "localhost", "[::1]", bracketed.lower()}
        self._hosts = {f"{name}:{port}" for name in names}
        if port == 80:
            # The port that browsers leave out.
            self._hosts |= names

    def check(self, request: Request) -> None:
        """Raise `Refused` for a request that is not to be answered."""
        # The header itself: what werkzeug makes of it may come from elsewhere.
        host = request.headers.get("Host", "").lower()
        if host not in self._hosts:
            raise Refused(403, "this Host is not answered: use http://127.0.0.1 or localhost, with the port")
        if request.headers.get("Origin", f"http://{host}").lower() != f"http://{host}":
            raise Refused(403, "another Origin is not answered")
        reads = request.method in ("GET", "HEAD")
        if not (reads and request.path in _OPEN) and not self._has_token(request):
            raise Refused(
                401,
                f"{TOKEN_HEADER} is missing or wrong: it is in the .token file beside the journal",
                {"WWW-Authenticate": TOKEN_HEADER},
            )

    def _has_token(self, request: Request) -> bool:
        sent = request.headers.get(TOKEN_HEADER, "").encode("utf-8", "replace")
        return hmac.compare_digest(sent, self._token)
