"""The web application: from a request to the function that answers it.

Undocumented, thus our reading: whoever has not logged in gets 401 before anything else, an account whose API
is switched off ("the API is strictly opt-in" [001]) answers 403, errors have a short body in the request's
format.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.local import LocalProxy

from fluxsync.sandbox.auth import Authenticator
from fluxsync.sandbox.call import Call
from fluxsync.sandbox.errors import ApiError
from fluxsync.sandbox.form import Parameters, query_parameters
from fluxsync.sandbox.formats import Format, accepted, checked_callback, split
from fluxsync.sandbox.render import Renderer
from fluxsync.sandbox.render_json import JsonRenderer
from fluxsync.sandbox.render_xml import XmlRenderer
from fluxsync.sandbox.request_log import USER_KEY
from fluxsync.sandbox.routes_account import account_routes, picture_routes
from fluxsync.sandbox.routes_assets import asset_routes
from fluxsync.sandbox.routes_tags import tag_routes
from fluxsync.sandbox.store import Store
from fluxsync.sandbox.thumbnails import ThumbLinks

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FORMAT_KEY = "fluxsync.sandbox.format"
_SERVED_KEY = "fluxsync.sandbox.served"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Served:
    """The account that a request is for."""

    store: Store
    links: ThumbLinks
    authenticator: Authenticator
    own_clock: bool


def create_app(store: Store, *, own_clock: bool = False) -> "WSGIApplication":
    """Return the application for an account; with `own_clock` the Date header follows the account's time."""
    served = _Served(store, ThumbLinks(store.secret), Authenticator(store.users), own_clock)
    app = _flask()

    def by_extension(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Take the extension off the path, so that the routes read as the documents print them."""
        path = environ["PATH_INFO"]
        if path.startswith("/api/"):
            environ["PATH_INFO"], environ[_FORMAT_KEY] = split(path)
        environ[_SERVED_KEY] = served
        return app.wsgi_app(environ, start_response)

    return by_extension


def _served() -> _Served:
    return cast(_Served, request.environ[_SERVED_KEY])


@cache
def _flask() -> Flask:
    """Return what answers for all accounts: to compile its routes takes most of a sandbox's start."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    store = cast(Store, LocalProxy(lambda: _served().store))
    links = cast(ThumbLinks, LocalProxy(lambda: _served().links))
    for routes in (
        asset_routes(store),
        tag_routes(store),
        account_routes(store),
        picture_routes(store, links),
    ):
        app.register_blueprint(routes)

    @app.before_request
    def prepare() -> None:
        """Find out who asks and how to answer."""
        if not request.path.startswith("/api/"):
            return
        served = _served()
        user = served.authenticator.user(request.headers.get("Authorization", ""))
        request.environ[USER_KEY] = user.username
        if not served.store.account.api_enabled:
            raise ApiError(403, "API is not enabled")
        parameters = query_parameters(request.environ.get("QUERY_STRING", ""))
        g.call = Call(user, _renderer(served.links, parameters), parameters)

    @app.errorhandler(ApiError)
    def refuse(error: ApiError) -> Response:
        return _refusal(error.status, error.message)

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        response = _refusal(error.code or 500, error.name)
        allowed = dict(error.get_headers()).get("Allow")
        if allowed:
            response.headers["Allow"] = allowed
        return response

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        if isinstance(error, OSError) and error.errno == 28:
            return _refusal(507, "the server's disk is full")
        _logger.error("request failed: %s %s", request.method, request.path, exc_info=error)
        return _refusal(500, "the sandbox failed")

    @app.after_request
    def set_date(response: Response) -> Response:
        served = _served()
        if served.own_clock:
            response.headers["Date"] = http_date(served.store.now())
        return response

    return app


def _renderer(links: ThumbLinks, parameters: Parameters) -> Renderer:
    wanted = request.environ.get(_FORMAT_KEY) or accepted(request.headers.get("Accept", ""))
    if wanted is Format.XML:
        return XmlRenderer(links)
    return JsonRenderer(links, checked_callback(parameters.get("callback", "")))


def _refusal(status: int, message: str) -> Response:
    # Without the address's parameters: they may be what is wrong.
    renderer = g.call.renderer if "call" in g else _renderer(_served().links, {})
    response = Response(renderer.error(message), status=status, content_type=renderer.content_type)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="fluxiom", charset="UTF-8"'
    return response
