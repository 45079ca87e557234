"""A running sandbox, a client of it, and pictures to send."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from fluxsync.sandbox.model import UserSpec
from fluxsync.sandbox.server import Sandbox

from .client import Client

READER = UserSpec("reader", "secret", "Rita", "Reader", permissions=("login",))
TAGGER = UserSpec("tagger", "secret", "Tom", "Tagger", permissions=("login", "manage_tags"))
LOCKED = UserSpec("locked", "secret", permissions=())


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "data", users=[READER, TAGGER, LOCKED], threads=8) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(sandbox.port) as connected:
        yield connected


@pytest.fixture
def reader(sandbox: Sandbox) -> Iterator[Client]:
    """A user who may log in and nothing more."""
    with Client(sandbox.port, "reader", "secret") as connected:
        yield connected


@pytest.fixture(scope="session")
def gif() -> bytes:
    """A picture of the sample's size: 208 by 70."""
    target = BytesIO()
    Image.new("P", (208, 70)).save(target, "GIF")
    return target.getvalue()


@pytest.fixture(scope="session")
def png() -> bytes:
    """A picture with alpha channel, resolution and colour profile, so that it has all metadata."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    target = BytesIO()
    Image.new("RGBA", (30, 20), (255, 0, 0, 128)).save(target, "PNG", dpi=(72, 72), icc_profile=profile)
    return target.getvalue()
