"""The calls on tags [000, 002]. What a name may be is in `tags`."""

from flask import Blueprint, Response, request

from fluxsync.sandbox.auth import MANAGE_TAGS
from fluxsync.sandbox.call import current, nothing
from fluxsync.sandbox.errors import ApiError
from fluxsync.sandbox.form import received_form
from fluxsync.sandbox.store import Store

_ID = "<int(max=9223372036854775807):tag_id>"


def tag_routes(store: Store) -> Blueprint:
    """Return the calls on this account's tags."""
    routes = Blueprint("tags", __name__)

    def sent_name() -> str:
        with received_form(request.environ, store.blobs) as form:
            return form.fields.get("tag", "")

    @routes.get("/api/tags")
    def list_tags() -> Response:
        call = current()
        tags = store.tags()
        return call.answer(call.renderer.tags(tags)) if tags else nothing(404)

    @routes.get(f"/api/tags/{_ID}")
    def get_tag(tag_id: int) -> Response:
        call = current()
        tag = store.tag_table.get(tag_id)
        if tag is None:
            raise ApiError(404, "there is no such tag")
        return call.answer(call.renderer.tag(tag))

    @routes.post("/api/tags")
    def create_tag() -> Response:
        call = current()
        call.require(MANAGE_TAGS)
        return call.answer(call.renderer.new_tag(store.create_tag(sent_name())))

    @routes.put(f"/api/tags/{_ID}")
    def update_tag(tag_id: int) -> Response:
        call = current()
        call.require(MANAGE_TAGS)
        return call.answer(call.renderer.tag(store.rename_tag(tag_id, sent_name())))

    @routes.delete(f"/api/tags/{_ID}")
    def delete_tag(tag_id: int) -> Response:
        current().require(MANAGE_TAGS)
        store.delete_tag(tag_id)
        return nothing(200)

    return routes
