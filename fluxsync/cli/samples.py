"""Little pictures and documents for the demo, drawn on the spot."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

__all__ = ["EDITED_HERE", "EDITED_THERE", "Sample", "account", "folder", "palette"]

#: What is edited on each side after the first sync.
EDITED_HERE = "Clients/Acme/brief.md"
EDITED_THERE = "Brand/Colours/palette.png"

_Colour = tuple[int, int, int]
_SAND: _Colour = (244, 236, 221)
_INK: _Colour = (38, 43, 54)
_CORAL: _Colour = (232, 105, 78)
_TEAL: _Colour = (38, 128, 125)
_GOLD: _Colour = (240, 180, 76)
_NIGHT: _Colour = (24, 32, 62)
_SMOOTH = 2  # drawn larger and scaled down, for soft edges


class Sample(NamedTuple):
    """An asset of the demo's account."""

    content: bytes
    tags: tuple[str, ...]
    description: str = ""


def folder() -> Mapping[str, bytes]:
    """Return the files of the demo's folder by path."""
    return {
        "Clients/Acme/Logos/acme-mark.png": _encoded(_mark(_CORAL, _INK), "PNG"),
        "Clients/Acme/Logos/acme-mark.svg": _svg(_CORAL, _INK),
        "Clients/Acme/Logos/acme-wordmark.png": _encoded(_word("Acme", _INK, _SAND), "PNG"),
        "Clients/Acme/Posters/summer.jpg": _encoded(_landscape((255, 214, 165), _CORAL, _GOLD), "JPEG"),
        "Clients/Acme/Posters/autumn.jpg": _encoded(
            _landscape((233, 196, 160), (150, 70, 50), _SAND), "JPEG"
        ),
        EDITED_HERE: b"# Acme: autumn campaign\n\nTwo posters, one mark, one colour.\n",
        "Clients/Beta Ltd/Photos/dunes.jpg": _encoded(
            _landscape((250, 225, 190), (190, 120, 70), _GOLD), "JPEG"
        ),
        "Clients/Beta Ltd/Photos/harbour at dusk.jpg": _encoded(_landscape(_CORAL, _NIGHT, _GOLD), "JPEG"),
        "Clients/Beta Ltd/Photos/night sky.jpg": _encoded(_stars(), "JPEG"),
        "Clients/Beta Ltd/prices.csv": b"item,days,price\nlogo,4,2400\nposter,2,900\n",
        "Web/favicon.png": _encoded(_mark(_TEAL, _SAND, 64), "PNG"),
        "Web/loader.gif": _loader(),
        "Read me first.txt": b"Everything in here was made up by fluxsync.\n",
    }


def account() -> Mapping[str, Sample]:
    """Return the assets of the demo's account by file name."""
    return {
        "palette.png": Sample(
            palette((_SAND, _CORAL, _GOLD, _TEAL, _INK)),
            ("Brand/Colours", "Approved"),
            "The five colours, and no others",
        ),
        "gradient.png": Sample(_encoded(_gradient(_CORAL, _NIGHT), "PNG"), ("Brand/Colours",)),
        "guidelines.md": Sample(b"# Brand guidelines\n\nLeave the mark room to breathe.\n", ("Brand",)),
        "winter.jpg": Sample(
            _encoded(_landscape((200, 218, 235), (70, 95, 130), (250, 250, 250)), "JPEG"),
            ("Clients/Acme/Posters", "Approved"),
            "Sent by the photographer",
        ),
        "gamma-mark.svg": Sample(_svg(_TEAL, _GOLD), ("Clients/Gamma/Logos",)),
        "gamma-wordmark.png": Sample(_encoded(_word("gamma", _SAND, _TEAL), "PNG"), ("Clients/Gamma/Logos",)),
        "boilerplate.txt": Sample(b"Gamma makes quiet machines.\n", ("Press",)),
        "scan.gif": Sample(_encoded(_gradient(_SAND, _INK), "GIF"), (), "Nobody has sorted this one yet"),
    }


def palette(colours: Sequence[_Colour] = (_SAND, _CORAL, _GOLD, _TEAL, _INK, _NIGHT)) -> bytes:
    """Return colour swatches as a PNG."""
    picture = Image.new("RGB", (120 * len(colours), 200), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    for number, colour in enumerate(colours):
        draw.rounded_rectangle((120 * number + 10, 20, 120 * number + 110, 180), 14, fill=colour)
    return _encoded(picture, "PNG")


def _mark(colour: _Colour, accent: _Colour, edge: int = 320) -> Image.Image:
    size = edge * _SMOOTH
    picture = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((size * 0.08, size * 0.08, size * 0.92, size * 0.92), fill=colour)
    draw.polygon(
        [(size * 0.5, size * 0.24), (size * 0.76, size * 0.72), (size * 0.24, size * 0.72)], fill=accent
    )
    draw.ellipse((size * 0.42, size * 0.46, size * 0.58, size * 0.62), fill=colour)
    return picture.resize((edge, edge), Image.Resampling.LANCZOS)


def _svg(colour: _Colour, accent: _Colour) -> bytes:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">\n'
        f'  <circle cx="50" cy="50" r="42" fill="rgb{colour}"/>\n'
        f'  <path d="M50 24 76 72H24z" fill="rgb{accent}"/>\n'
        f'  <circle cx="50" cy="54" r="8" fill="rgb{colour}"/>\n'
        "</svg>\n"
    ).encode()


def _word(text: str, colour: _Colour, ground: _Colour) -> Image.Image:
    picture = Image.new("RGB", (640, 240), ground)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(120)
    draw.text((320, 116), text, fill=colour, font=font, anchor="mm")
    draw.rectangle((260, 204, 380, 208), fill=colour)
    return picture


def _gradient(top: _Colour, bottom: _Colour, size: tuple[int, int] = (640, 400)) -> Image.Image:
    column = Image.new("RGB", (1, 256))
    column.putdata([_mixed(top, bottom, y / 255) for y in range(256)])
    return column.resize(size, Image.Resampling.BICUBIC)


def _landscape(sky: _Colour, ground: _Colour, sun: _Colour) -> Image.Image:
    """Draw a low sun behind rows of hills."""
    width, height = 640 * _SMOOTH, 420 * _SMOOTH
    picture = _gradient(sky, _mixed(sky, ground, 0.35), (width, height))
    draw = ImageDraw.Draw(picture)
    radius = height // 6
    x, y = int(width * 0.64), int(height * 0.42)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=sun)
    rows = 4
    for row in range(rows):
        level = height * (0.52 + 0.13 * row)
        swell = height * (0.07 - 0.008 * row)
        crest = [
            (x, level + swell * math.sin(x / width * math.tau * (1.1 + 0.35 * row) + 1.7 * row))
            for x in range(0, width + 8, 8)
        ]
        colour = _mixed(sky, ground, 0.45 + 0.55 * row / (rows - 1))
        draw.polygon([(0, height), *crest, (width, height)], fill=colour)
    return picture.resize((width // _SMOOTH, height // _SMOOTH), Image.Resampling.LANCZOS)


def _stars() -> Image.Image:
    picture = _gradient(_NIGHT, (84, 78, 122))
    draw = ImageDraw.Draw(picture)
    strewn = random.Random(7)  # the same sky each time
    for _ in range(150):
        x, y, radius = strewn.uniform(0, 640), strewn.triangular(0, 400, 0), strewn.choice((0.6, 0.9, 1.6))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 250, 230))
    return picture


def _loader() -> bytes:
    frames = []
    for turn in range(8):
        frame = Image.new("RGB", (96, 96), _SAND)
        draw = ImageDraw.Draw(frame)
        for dot in range(8):
            angle = dot * math.tau / 8
            x, y = 48 + 30 * math.cos(angle), 48 + 30 * math.sin(angle)
            draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=_mixed(_TEAL, _SAND, (turn - dot) % 8 / 8))
        frames.append(frame)
    target = BytesIO()
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], duration=90, loop=0)
    return target.getvalue()


def _mixed(one: _Colour, other: _Colour, share: float) -> _Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _encoded(picture: Image.Image, format: str) -> bytes:
    target = BytesIO()
    picture.save(target, format)
    return target.getvalue()
