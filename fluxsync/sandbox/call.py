"""The request that is being answered: who asks, how to answer, and with which parameters in the address."""

from dataclasses import dataclass
from typing import cast

from flask import Response, g

from fluxsync.sandbox.auth import require
from fluxsync.sandbox.form import Parameters
from fluxsync.sandbox.model import User
from fluxsync.sandbox.render import Renderer


@dataclass(frozen=True, slots=True)
class Call:
    """What every function that answers a request needs to know."""

    user: User
    renderer: Renderer
    parameters: Parameters

    def require(self, rights: tuple[str, ...]) -> None:
        """Refuse the request where its user has none of these rights. Raises ApiError 403."""
        require(self.user, rights)

    def answer(self, text: str) -> Response:
        """Answer with 200, the only status that the documents show for success."""
        return Response(text, content_type=self.renderer.content_type)


def current() -> Call:
    """Return the request that this thread answers."""
    return cast(Call, g.call)


def nothing(status: int) -> Response:
    """Answer without a body: "HTTP 200 OK" after a DELETE [000], 404 for a list that finds nothing [001]."""
    return Response(b"", status=status, content_type="text/plain; charset=utf-8")
