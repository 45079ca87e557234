"""The calls on assets and their versions [000, 001, 002], and the upload of 2007 [001]."""

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from fluxsync.sandbox import disposition
from fluxsync.sandbox.auth import MANAGE_ASSETS
from fluxsync.sandbox.call import Call, current, nothing
from fluxsync.sandbox.errors import ApiError, MalformedRequest
from fluxsync.sandbox.form import Parameters, received_form
from fluxsync.sandbox.model import Asset
from fluxsync.sandbox.store import Store
from fluxsync.sandbox.tags import TagKey

_MAX_PER_PAGE = 100
#: Undocumented.
_DEFAULT_PER_PAGE = 30
_ID = "<int(max=9223372036854775807):asset_id>"


def asset_routes(store: Store) -> Blueprint:
    """Return the calls on this account's assets."""
    routes = Blueprint("assets", __name__)

    def read(asset_id: int) -> Asset:
        return store.inspector.assets([store.asset(asset_id)])[0]

    @routes.get("/api/assets")
    def list_assets() -> Response:
        call = current()
        found = store.assets(
            call.parameters.get("query", ""),
            store.tag_table.parse(call.parameters.get("tags", "")),
            page=_number(call.parameters, "page", 1),
            per_page=min(_number(call.parameters, "per_page", _DEFAULT_PER_PAGE), _MAX_PER_PAGE),
        )
        if not found:
            return nothing(404)
        return call.answer(call.renderer.assets(store.inspector.assets(found)))

    @routes.get(f"/api/assets/{_ID}")
    def get_asset(asset_id: int) -> Response:
        call = current()
        return call.answer(call.renderer.asset(read(asset_id)))

    @routes.post("/api/assets")
    def create_asset() -> Response:
        call = current()
        call.require(MANAGE_ASSETS)
        with received_form(request.environ, store.blobs) as form:
            texts = _texts(form.fields)
            tags = _tags(store, form.fields) or []
            upload_id = _upload_id(form.fields)
            if upload_id is None:
                file = form.required_file()
                asset_id = store.create_asset(
                    file.filename,
                    file.complete(),
                    content_type=file.content_type,
                    tags=tags,
                    user_id=call.user.id,
                    title=texts.get("title"),
                    description=texts.get("description", ""),
                )
            else:
                asset_id = store.create_from_upload(
                    upload_id,
                    call.user.id,
                    tags=tags,
                    title=texts.get("title"),
                    description=texts.get("description", ""),
                )
        # Not through `read`: the answer to a creation shows no metadata yet.
        return call.answer(call.renderer.asset(store.asset(asset_id)))

    @routes.put(f"/api/assets/{_ID}")
    def update_asset(asset_id: int) -> Response:
        call = current()
        call.require(MANAGE_ASSETS)
        with received_form(request.environ, store.blobs) as form:
            if form.file is not None:
                raise ApiError(422, "a file is new content: send it to the asset's versions")
            upload_id = _upload_id(form.fields)
            if upload_id is not None:
                _require_versions(store)
            texts = _texts(form.fields)
            store.update_asset(
                asset_id,
                title=texts.get("title"),
                description=texts.get("description"),
                tags=_tags(store, form.fields),
                upload_id=upload_id,
                user_id=call.user.id,
            )
        return call.answer(call.renderer.asset(read(asset_id)))

    @routes.delete(f"/api/assets/{_ID}")
    def delete_asset(asset_id: int) -> Response:
        current().require(MANAGE_ASSETS)
        store.delete_asset(asset_id)
        return nothing(200)

    @routes.get(f"/api/assets/download/{_ID}")
    def download(asset_id: int) -> Response:
        current().require(MANAGE_ASSETS)
        return _download(store, store.asset(asset_id))

    @routes.get(f"/api/assets/{_ID}/versions")
    def list_versions(asset_id: int) -> Response:
        call = current()
        return call.answer(call.renderer.versions(store.inspector.versions(store.versions(asset_id))))

    @routes.get(f"/api/assets/{_ID}/versions/<int(max=9223372036854775807):version_id>")
    def get_version(asset_id: int, version_id: int) -> Response:
        return _version(store, current(), asset_id, version_id)

    @routes.post(f"/api/assets/{_ID}/versions")
    def create_version(asset_id: int) -> Response:
        call = current()
        call.require(MANAGE_ASSETS)
        _require_versions(store)
        with received_form(request.environ, store.blobs) as form:
            file = form.required_file()
            version_id = store.add_version(
                asset_id,
                file.complete(),
                file.filename,
                form.fields.get("comment", ""),
                user_id=call.user.id,
                content_type=file.content_type,
            )
        return _version(store, call, asset_id, version_id)

    @routes.post("/api/upload")
    def upload() -> Response:
        call = current()
        call.require(MANAGE_ASSETS)
        with received_form(request.environ, store.blobs) as form:
            file = form.required_file()
            upload_id = store.add_upload(call.user.id, file.filename, file.complete(), file.content_type)
        return call.answer(call.renderer.upload(upload_id))

    return routes


def _version(store: Store, call: Call, asset_id: int, version_id: int) -> Response:
    version = store.inspector.versions([store.version(asset_id, version_id)])[0]
    return call.answer(call.renderer.version(version))


def _download(store: Store, asset: Asset) -> Response:
    """Answer "HTTP 200 OK (+ file data)" [000]. That the file's name comes with it is our reading."""
    headers = {"Content-Disposition": disposition.attachment(asset.filename)}
    response = Response(status=200, content_type=asset.content_type, headers=headers)
    response.content_length = asset.size
    if request.method == "HEAD":
        return response
    try:
        content = store.blobs.open(asset.blob)
    except FileNotFoundError as error:
        raise ApiError(404, "the asset was deleted just now") from error
    wrapper: Any = request.environ["wsgi.file_wrapper"]
    response.response = wrapper(content, 2**18)
    response.direct_passthrough = True
    try:
        response.make_conditional(request.environ, accept_ranges=True, complete_length=asset.size)
    except RequestedRangeNotSatisfiable:
        content.close()
        raise
    return response


def _number(parameters: Parameters, name: str, default: int) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 100 or int(text) == 0:
        raise MalformedRequest(f"{name} is not a number from 1")
    return int(text)


def _texts(fields: Parameters) -> dict[str, str]:
    return {name: fields[name] for name in ("title", "description") if name in fields}


def _tags(store: Store, fields: Parameters) -> list[TagKey] | None:
    return store.tag_table.parse(fields["tags"]) if "tags" in fields else None


def _upload_id(fields: Parameters) -> int | None:
    if "upload_id" not in fields:
        return None
    text = fields["upload_id"]
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise ApiError(422, "upload_id is not the id of an upload")
    return int(text)


def _require_versions(store: Store) -> None:
    plan = store.account.plan
    if not plan.versions:
        raise ApiError(403, f"versions are not part of the plan {plan.name}")
