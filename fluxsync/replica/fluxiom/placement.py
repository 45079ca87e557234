"""Which tag is a folder, which folder is an asset's home, and which labels belong to a place. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pathspec import GitIgnoreSpec

from fluxsync.core.paths import nfc
from fluxsync.replica.fluxiom.tagnames import decode_tag, encode_folder

__all__ = ["Placement", "home", "part_names", "tags_for_move"]


@dataclass(frozen=True, slots=True)
class Placement:
    """The rules of the configuration's `[mapping]`.

    A label without a wildcard is exactly that tag; one with a wildcard is a gitignore-style pattern.
    """

    folders: tuple[str, ...] = ("**",)
    labels: tuple[str, ...] = ()
    part_labels: bool = False
    extra_tags: tuple[str, ...] = ()
    trash_tag: str = "fluxsync-trash"
    rename: Literal["version", "title"] = "version"

    def why_not(self, tag_name: str) -> str:
        """Say why a tag of this name is no folder; "" where it is one."""
        name = nfc(tag_name)
        folded = name.casefold()
        if not name:
            return "a tag without a name is no folder"
        if folded == nfc(self.trash_tag).casefold():
            return f'its tag "{name}" would be the trash tag ([sync] trash_tag)'
        if any(folded == nfc(extra).casefold() for extra in self.extra_tags):
            return f'its tag "{name}" would be one of [mapping] extra_tags'
        if name in self.labels or _patterns(tuple(x for x in self.labels if _is_pattern(x))).match_file(name):
            return f'its tag "{name}" would be a label ([mapping] labels)'
        if self.folders != ("**",) and not _patterns(self.folders).match_file(name):
            return f'its tag "{name}" is not admitted by [mapping] folders'
        return ""

    def folder_of(self, tag_name: str) -> str | None:
        """Return the path of the folder that a tag means, None where it means none."""
        return None if self.why_not(tag_name) else decode_tag(tag_name)

    def labels_at(self, path: str) -> frozenset[str]:
        """Return the tag names of the labels that a place brings with it, `extra_tags` not among them."""
        return part_names(path) if self.part_labels else frozenset()


@lru_cache(maxsize=16)
def _patterns(lines: tuple[str, ...]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(lines)


def _is_pattern(label: str) -> bool:
    return not {"*", "?", "["}.isdisjoint(label)


def part_names(path: str) -> frozenset[str]:
    """Return one tag name for each folder on the way: Clients, Acme, Logos."""
    return frozenset(encode_folder(part) for part in path.split("/")) if path else frozenset()


def home(
    now: Collection[int], seen: Collection[int], recorded: int | None, folders: Mapping[int, str]
) -> int:
    """Return the tag id of the folder where an asset lies; 0 is the root.

    `recorded` is the recorded home (0 for the root), None for an asset never seen; `seen` are the tags
    seen when it was recorded; `folders` are the paths of all tags that are folders.
    """
    candidates = [tag for tag in now if tag in folders]
    if recorded == 0:
        # The root stays until a folder is added: what was there already did not move the asset then either.
        return _best([tag for tag in candidates if tag not in seen], folders)
    if recorded is not None and recorded in candidates:
        return recorded
    return _best(candidates, folders)


def _best(candidates: Collection[int], folders: Mapping[int, str]) -> int:
    """The deepest path, among equals the lowest id; without any, the root."""
    return min(candidates, key=lambda tag: (-folders[tag].count("/"), tag), default=0)


def tags_for_move(
    current: Collection[int],
    old_home: int,
    new_home: int,
    old_labels: Collection[int] = (),
    new_labels: Collection[int] = (),
) -> frozenset[int]:
    """Return an asset's tags after a move: a delta on what it carries now.

    A label of the old place that the new one wants, too, stays.
    """
    kept = frozenset(current) - {old_home} - frozenset(old_labels)
    return (kept | {new_home} | frozenset(new_labels)) - {0}
