"""What a service is to run, and the name it gets."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fluxsync.errors import ConfigError

__all__ = ["Wanted", "check_name", "name_for", "program", "whole"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A service: the configuration that it keeps in step, and how it is started.

    `name` is "" for the default configuration; `command` starts with an absolute path.
    """

    name: str
    config: Path
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def whole(config: Path) -> Path:
    """Return the absolute path of a configuration; links stay, they may be meant to be turned."""
    return Path(os.path.abspath(config.expanduser()))


def name_for(config: Path, default: Path) -> str:
    """Return the name of a configuration's service, the same each time.

    The default file has none, and NAME.toml beside it is NAME. Other files share names with others, so a
    part of the hash of their path is in theirs.
    """
    if config == default:
        return ""
    if config.parent == default.parent and config.suffix == ".toml" and _NAME.fullmatch(config.stem):
        return config.stem
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", config.stem).strip("-")[:40] or "pair"
    return f"{stem}-{hashlib.sha256(os.fsencode(config)).hexdigest()[:8]}"


def check_name(name: str) -> str:
    """Return a name that a person chose. Raises `ConfigError`."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f'--name "{name}": write letters, digits and _.- only, a letter or digit first')
    return name


def program() -> tuple[str, ...]:
    """Return how this very fluxsync is started: the path that was called, links and all, or Python's."""
    called = sys.argv[0]
    if os.path.basename(called) == "fluxsync" and (found := shutil.which(called)):
        return (os.path.abspath(found),)
    beside = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "fluxsync")
    if os.access(beside, os.X_OK):
        return (beside,)
    return (os.path.abspath(sys.executable), "-m", "fluxsync.cli.main")
