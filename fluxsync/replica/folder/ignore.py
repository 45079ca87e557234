"""Which paths take part: built-in rules, the configuration, `.fluxsyncignore` files, selective sync.

All are gitignore patterns. The last pattern that matches a path decides: built-in ones come first, then those
of the configuration, then the `.fluxsyncignore` files from the root down to the path's own folder. What lies
in an ignored folder is ignored, whatever matches it. `include` then has to match the path of a file.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence

from pathspec import GitIgnoreSpec

from fluxsync.core.paths import ancestors, nfc
from fluxsync.replica.folder.patterns import parse

__all__ = ["BUILT_IN", "IGNORE_FILE", "JUNK", "Rules", "is_junk"]

#: The file in any folder that holds patterns for what is below that folder.
IGNORE_FILE = ".fluxsyncignore"

#: What systems leave in folders and make again by themselves: nobody misses it.
JUNK: tuple[str, ...] = (
    ".DS_Store",
    "._*",
    "Icon\r",
    "Thumbs.db",
    "Thumbs.db:encryptable",
    "ehthumbs.db",
    "desktop.ini",
)

#: Patterns on the name alone, so that one expression can test them all at once.
BUILT_IN: tuple[str, ...] = (
    ".fluxsync",
    *JUNK,
    # macOS and Linux desktops
    ".AppleDouble",
    ".LSOverride",
    ".Spotlight-V100",
    ".Trashes",
    ".Trash-*",
    ".TemporaryItems",
    ".fseventsd",
    ".DocumentRevisions-V100",
    ".apdisk",
    ".directory",
    ".nfs*",
    ".fuse_hidden*",
    "$RECYCLE.BIN",
    "System Volume Information",
    # locks and temporary files of programs
    "~$*",
    ".~lock.*#",
    "*.idlk",
    "*.lck",
    "*.tmp",
    "*.TMP",
    # downloads that are not complete
    "*.crdownload",
    "*.part",
    "*.partial",
    "*.download",
    # Photoshop, Illustrator, InDesign, Affinity
    "Photoshop Temp[0-9]*",
    "~ai-*",
    "*~lock~",
    "*.affinity-lock",
    # editors: swap files, backups, atomic saves
    "*~",
    "*.bak",
    "*.swp",
    "*.swo",
    "*.swx",
    ".*.kate-swp",
    ".#*",
    "#*#",
    ".goutputstream-*",
    "*.sb-????????-??????",
)

_HIDDEN_BY_NAME = re.compile("|".join(f"(?:{fnmatch.translate(pattern)})" for pattern in BUILT_IN))
_IS_JUNK = re.compile("|".join(f"(?:{fnmatch.translate(pattern)})" for pattern in JUNK))


class Rules:
    """Decides which paths take part. Immutable, so a snapshot can carry it; needs no disk.

    `nested` holds the patterns of `.fluxsyncignore` files by the path of their folder.
    """

    def __init__(
        self,
        ignore: Sequence[str] = (),
        include: Sequence[str] = ("**",),
        nested: Mapping[str, GitIgnoreSpec] | None = None,
    ) -> None:
        self._ignore = parse(ignore) if ignore else None
        self._include = None if tuple(include) == ("**",) else parse(include)
        self._nested = {nfc(folder): spec for folder, spec in (nested or {}).items()}

    def with_nested(self, nested: Mapping[str, GitIgnoreSpec]) -> Rules:
        """Return the same rules with other `.fluxsyncignore` files."""
        other = Rules.__new__(Rules)
        other._ignore, other._include = self._ignore, self._include
        other._nested = {nfc(folder): spec for folder, spec in nested.items()}
        return other

    @property
    def selective(self) -> bool:
        """Whether `include` leaves anything out."""
        return self._include is not None

    def admits(self, path: str, is_folder: bool = False) -> bool:
        """Tell whether a path takes part, judged by itself and by the folders it is in."""
        if self.hides(path, is_folder) or any(self.hides(folder, True) for folder in ancestors(path)):
            return False
        return self.includes(path, is_folder)

    def hides(self, path: str, is_folder: bool) -> bool:
        """Tell whether a path is ignored, when none of the folders it is in is."""
        if not path.isascii():
            path = nfc(path)
        hidden = _HIDDEN_BY_NAME.match(path[path.rfind("/") + 1 :]) is not None
        if self._ignore is None and not self._nested:
            return hidden
        suffix = "/" if is_folder else ""
        if self._ignore is not None:
            verdict = self._ignore.check_file(path + suffix).include
            hidden = hidden if verdict is None else verdict
        if not self._nested:
            return hidden
        for folder in ("", *reversed(tuple(ancestors(path)))):
            spec = self._nested.get(folder)
            if spec is not None:
                below = path[len(folder) + 1 :] if folder else path
                verdict = spec.check_file(below + suffix).include
                hidden = hidden if verdict is None else verdict
        return hidden

    def includes(self, path: str, is_folder: bool) -> bool:
        """Tell whether selective sync wants a path.

        Of a folder: whether it wants any file that could lie directly in it. A folder that it does not want
        is still walked through, and takes part where a file below does.
        """
        if self._include is None:
            return True
        path = nfc(path)
        return self._include.match_file(f"{path}/-" if is_folder else path)

    def unwanted(self, files: Iterable[str], folders: Iterable[str]) -> set[str]:
        """Return the folders that selective sync wants nothing of: none of `files`, nor others in them."""
        if not self.selective:
            return set()
        needed: set[str] = set()
        for path in files:
            for folder in ancestors(path):
                if folder in needed:
                    break
                needed.add(folder)
        return {path for path in folders if path not in needed and not self.includes(path, True)}


def is_junk(name: str) -> bool:
    """Tell whether a file of this name is what a system leaves behind and makes again."""
    return _IS_JUNK.match(name) is not None
