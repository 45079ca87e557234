"""The content files.

A file arrives under `incoming/` and is renamed into `content/` when it is complete; only then does a database
row name it. Its name is random, never the user's. What a killed server left behind is removed at the next
start.
"""

import os
import secrets
import shutil
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from fluxsync.sandbox.model import Blob


class Incoming:
    """A content file that is being received. Leaving the `with` block without `complete()` removes it."""

    def __init__(self, blobs: "Blobs", name: str) -> None:
        self._blobs = blobs
        self._name = name
        self._file: FileIO | None = None
        self._path = blobs.incoming / name
        self.size = 0

    def __enter__(self) -> "Incoming":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Append to the file."""
        if self._file is None:
            self._file = FileIO(self._path, "x")
        view = memoryview(data)
        while view:
            written = self._file.write(view)
            self.size += written
            view = view[written:]

    def complete(self) -> Blob:
        """Move the file to its place and return it."""
        if self._file is None:
            self.write(b"")
        assert self._file is not None
        self._file.close()
        self._blobs.take_in(self._path, self._name)
        self._file = None
        return Blob(self._name, self.size)


class Blobs:
    """The folder of content files."""

    def __init__(self, folder: Path) -> None:
        self.incoming = folder / "incoming"
        self._content = folder / "content"
        self.incoming.mkdir(parents=True, exist_ok=True)
        self._content.mkdir(exist_ok=True)

    def receive(self) -> Incoming:
        """Begin a new content file."""
        return Incoming(self, secrets.token_hex(16))

    def put(self, content: bytes | Path) -> Blob:
        """Store a copy of these bytes, or of this file's."""
        with self.receive() as incoming:
            if isinstance(content, bytes):
                incoming.write(content)
            else:
                with content.open("rb") as source:
                    while piece := source.read(2**20):
                        incoming.write(piece)
            return incoming.complete()

    def take_in(self, path: Path, name: str) -> None:
        """Rename a complete file into place."""
        target = self.path(name)
        try:
            os.rename(path, target)
        except FileNotFoundError:
            # Folders are made when first needed: 256 of them would double the start time of a small test.
            target.parent.mkdir(exist_ok=True)
            os.rename(path, target)

    def path(self, name: str) -> Path:
        """Return where the content file of this name lies."""
        return self._content / name[:2] / name

    def open(self, blob: Blob) -> BinaryIO:
        """Open a content file for reading. Raises FileNotFoundError if it was deleted meanwhile."""
        return self.path(blob.name).open("rb")

    def remove(self, *blobs: Blob) -> None:
        """Delete content files. A download that is under way keeps its open file."""
        for blob in blobs:
            self.path(blob.name).unlink(missing_ok=True)

    def sweep(self, known: set[str]) -> None:
        """Delete what no database row names: the leavings of a server that was killed."""
        shutil.rmtree(self.incoming)
        self.incoming.mkdir()
        for path in self._content.glob("*/*"):
            if path.name not in known:
                path.unlink()
