"""The calls on the account and its users [000, 002], and the pictures whose addresses the assets show."""

import hmac

from flask import Blueprint, Response

from fluxsync.sandbox.call import current
from fluxsync.sandbox.errors import ApiError
from fluxsync.sandbox.store import Store
from fluxsync.sandbox.thumbnails import GENERATING_PREVIEW, ThumbLinks, generating_preview

_BIG = "int(max=9223372036854775807)"


def account_routes(store: Store) -> Blueprint:
    """Return the calls on this account and its users."""
    routes = Blueprint("account", __name__)

    @routes.get("/api/account")
    def get_account() -> Response:
        call = current()
        return call.answer(call.renderer.account(store.state()))

    @routes.get("/api/users")
    def list_users() -> Response:
        call = current()
        return call.answer(call.renderer.users(store.users.all()))

    @routes.get(f"/api/users/<{_BIG}:user_id>")
    def get_user(user_id: int) -> Response:
        call = current()
        user = store.users.get(user_id)
        if user is None:
            raise ApiError(404, "there is no such user")
        return call.answer(call.renderer.user(user))

    @routes.get("/api/user")
    def get_current_user() -> Response:
        call = current()
        return call.answer(call.renderer.user(call.user))

    return routes


def picture_routes(store: Store, links: ThumbLinks) -> Blueprint:
    """Return the thumbnails, which need no password."""
    routes = Blueprint("pictures", __name__)

    @routes.get(GENERATING_PREVIEW)
    def get_generating_preview() -> Response:
        return Response(generating_preview(), content_type="image/gif")

    @routes.get(f"/t/<before>/<{_BIG}:asset_id>/<{_BIG}:number>/<after>_64.jpg")
    def get_thumbnail(before: str, asset_id: int, number: int, after: str) -> Response:
        wanted = "/".join(links.opaque(asset_id, number))
        version = store.version_numbered(asset_id, number)
        if version is None or not hmac.compare_digest(wanted.encode(), f"{before}/{after}".encode()):
            raise ApiError(404, "there is no such picture")
        picture = store.thumbnails.get(version, store.blobs.path(version.blob.name))
        return Response(picture, content_type="image/jpeg")

    return routes
