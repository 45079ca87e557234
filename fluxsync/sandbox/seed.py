"""A sample library, for a first look at an account that is not empty."""

from io import BytesIO

from fluxsync.sandbox.store import Store

#: File name, colour, description and tags of each sample picture.
_PICTURES = (
    ("logo.gif", "#c0392b", "The logo, as on the letterhead", ("Brand", "Logos")),
    ("logo-mono.png", "#2c3e50", "One colour, for stamps", ("Brand", "Logos")),
    ("poster.jpg", "#16a085", "Summer poster, final", ("Print",)),
    ("banner.png", "#f39c12", "", ("Web",)),
    ("team.jpg", "#8e44ad", "Nobody has sorted this one yet", ()),
)
_README = b"Everything here was made up.\n"


def seed(store: Store) -> list[int]:
    """Create the sample assets and return their ids."""
    ids = [
        store.create_asset(name, _picture(name, color), description=description, tags=tags)
        for name, color, description, tags in _PICTURES
    ]
    return [*ids, store.create_asset("README.txt", _README, tags=["Brand"])]


def _picture(name: str, color: str) -> bytes:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (480, 320), color)
    ImageDraw.Draw(picture).text((24, 24), name, fill="white", font_size=40)
    target = BytesIO()
    picture.save(target, {"gif": "GIF", "png": "PNG"}.get(name.rpartition(".")[2], "JPEG"))
    return target.getvalue()
