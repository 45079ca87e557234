"""Thumbnails: 64 pixels, JPEG, made when first asked for and kept on disk.

Their addresses look like the samples', `/t/OPAQUE/ASSET/VERSION/OPAQUE_64.jpg` [002]. Our reading: the opaque
parts are the permission, so that a page can show them without a password. They cannot be guessed and last as
long as the asset.
"""

import os
import secrets
from functools import cache
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsync.sandbox.metadata import MAX_PIXELS, PICTURE_FORMATS
from fluxsync.sandbox.model import Asset, Blob, Version

if TYPE_CHECKING:
    from PIL import Image

#: What an asset shows right after its creation [000, 002].
GENERATING_PREVIEW = "/images/assets/thumbs/generating-preview.gif"

_SIDE = 64


class ThumbLinks:
    """Makes the addresses; `secret` is the account's and survives restarts."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def opaque(self, asset_id: int, number: int) -> tuple[str, str]:
        """Return the two parts of an address that nobody can guess."""
        digest = blake2b(f"{asset_id}/{number}".encode(), key=self._secret, digest_size=16).hexdigest()
        return digest[:16], digest[16:]

    def path(self, asset: Asset) -> str:
        """Return the address of an asset's thumbnail, without the host."""
        if asset.metadata is None:
            return GENERATING_PREVIEW
        before, after = self.opaque(asset.id, asset.version)
        return f"/t/{before}/{asset.id}/{asset.version}/{after}_{_SIDE}.jpg"


class Thumbnails:
    """The folder of thumbnails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, version: Version, content: Path) -> bytes:
        """Return the thumbnail of a version, or the general one where its content is no picture."""
        kept = self._path(version.blob)
        try:
            return kept.read_bytes()
        except FileNotFoundError:
            pass
        made = _thumbnail(content) if version.content_type.startswith("image/") else None
        if made is None:
            return general_thumbnail()
        new = self._folder / f"{secrets.token_hex(8)}.new"
        new.write_bytes(made)
        os.replace(new, kept)
        return made

    def remove(self, *blobs: Blob) -> None:
        """Delete the thumbnails of deleted content files."""
        for blob in blobs:
            self._path(blob).unlink(missing_ok=True)

    def _path(self, blob: Blob) -> Path:
        return self._folder / f"{blob.name}.jpg"


def _thumbnail(content: Path) -> bytes | None:
    from PIL import Image

    try:
        with Image.open(content, formats=PICTURE_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return None
            # JPEG files are decoded at a fraction of their size, which is all that is needed.
            picture.draft("RGB", (_SIDE * 2, _SIDE * 2))
            picture.thumbnail((_SIDE, _SIDE))
            small = picture.convert("RGBA")
    except Exception:  # as in metadata: a picture that cannot be read is no picture
        return None
    canvas = Image.new("RGB", small.size, "white")
    canvas.paste(small, mask=small.getchannel("A"))
    return _encoded(canvas, "JPEG")


@cache
def general_thumbnail() -> bytes:
    """Return the picture of files that are no pictures: a sheet of paper."""
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", (_SIDE, _SIDE), "white")
    ImageDraw.Draw(sheet).polygon(
        [(14, 6), (40, 6), (50, 16), (50, 58), (14, 58)], fill="#f0f0f0", outline="#808080"
    )
    return _encoded(sheet, "JPEG")


@cache
def generating_preview() -> bytes:
    """Return the picture of assets whose thumbnail is not there yet: a grey square."""
    from PIL import Image

    return _encoded(Image.new("P", (_SIDE, _SIDE), 128), "GIF")


def _encoded(picture: "Image.Image", image_format: str) -> bytes:
    target = BytesIO()
    picture.save(target, image_format)
    return target.getvalue()
