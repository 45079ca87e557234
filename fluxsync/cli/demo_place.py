"""What the demo makes: a folder, an account with assets, a configuration; and what its people edit."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fluxsync.sandbox.server import Sandbox
    from fluxsync.settings import Settings

__all__ = ["account_in", "edit_both", "make_pair", "place_for"]

_USER = "demo"
_PORT = 8787


@contextmanager
def place_for(keep: Path | None) -> Iterator[Path]:
    """Give the folder that holds everything; a temporary one is removed, whatever happens.

    Raises `click.UsageError` where the folder to be kept cannot be made or is not empty.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="fluxsync-demo-") as name:
            yield Path(name).resolve()
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise click.UsageError(f"--keep {keep} is not empty: name a new folder")
    except OSError as error:
        raise click.UsageError(f"--keep {keep} cannot be made ({error.strerror}): name another") from None
    yield keep.resolve()


@contextmanager
def account_in(place: Path, lasting: bool) -> Iterator[Sandbox]:
    """Run the account; one that is to be used again gets the port that people expect, where it is free."""
    from fluxsync.cli.samples import account
    from fluxsync.sandbox.errors import SandboxError
    from fluxsync.sandbox.server import Sandbox

    data = place / "account"
    try:
        server = Sandbox(data, _PORT if lasting else 0, _USER, _USER)
    except SandboxError:
        server = Sandbox(data, 0, _USER, _USER)
    with server:
        for name, sample in account().items():
            server.store.create_asset(name, sample.content, description=sample.description, tags=sample.tags)
        yield server


def make_pair(place: Path, server: Sandbox) -> Settings:
    """Make folder and configuration, and return what the configuration says."""
    from fluxsync import settings
    from fluxsync.cli.samples import folder

    root = place / "Fluxiom"
    for path, content in folder().items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    config = place / "config.toml"
    config.touch(0o600)
    config.write_text(
        f"""[local]
root = {_quoted(root)}

[remote]
url = "{server.url}"
username = "{_USER}"
password = "{_USER}"            # of the embedded server, so it is no secret

[mapping]
labels = ["Approved"]        # a tag that is no folder

[journal]
path = {_quoted(place / "journal.sqlite")}
""",
        encoding="utf-8",
    )
    # What the environment says about the user's own pair is no part of this one.
    return settings.load(config, {})


def _quoted(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)


def edit_both(root: Path, server: Sandbox) -> Sequence[tuple[str, str, str]]:
    """Change a file here and another one on the account, as their users would.

    Returns, for each, where it was, its path and what was done.
    """
    from fluxsync.cli.samples import EDITED_HERE, EDITED_THERE, palette

    with (root / EDITED_HERE).open("a", encoding="utf-8") as file:
        file.write("\nThe client wants it warmer.\n")
    asset = next(a for a in server.store.assets() if a.filename == EDITED_THERE.rpartition("/")[2])
    server.store.add_version(asset.id, palette(), comment="a sixth colour")
    return [
        ("in the folder", EDITED_HERE, "a line more"),
        ("on the account", EDITED_THERE, "a sixth colour"),
    ]
