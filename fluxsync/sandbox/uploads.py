"""Files that were sent ahead, by the upload call of 2007.

"Creating and updating asset file data requires to use the POST /api/upload.xml call first" [001]. What it
answers and how the next call names the file is not documented. Our reading: it answers an id, which the same
user gives once, as `upload_id`, to the create or the update call. An upload that nobody took is dropped after
a day.
"""

from fluxsync.sandbox.database import Database
from fluxsync.sandbox.model import Blob, Upload

_LIFETIME_S = 24 * 3600


class UploadTable:
    """The uploads that are waiting."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user_id: int, filename: str, content_type: str, blob: Blob, now: int) -> int:
        """Keep a file for its user and return the upload's id."""
        return self._database.execute(
            "INSERT INTO uploads (user_id, filename, content_type, blob, size, created)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (user_id, filename, content_type, blob.name, blob.size, now),
        )

    def take(self, upload_id: int, user_id: int) -> Upload | None:
        """Return and forget a user's upload, or return None. Call it inside a transaction."""
        row = self._database.row(
            "SELECT filename, content_type, blob, size FROM uploads WHERE id = ? AND user_id = ?",
            (upload_id, user_id),
        )
        if row is None:
            return None
        self._database.execute("DELETE FROM uploads WHERE id = ?", (upload_id,))
        filename, content_type, name, size = row
        return Upload(upload_id, filename, content_type, Blob(name, size))

    def take_old(self, now: int) -> list[Blob]:
        """Forget the uploads that nobody took for a day, return their files. Call it in a transaction."""
        old = now - _LIFETIME_S
        rows = self._database.rows("SELECT blob, size FROM uploads WHERE created < ?", (old,))
        self._database.execute("DELETE FROM uploads WHERE created < ?", (old,))
        return [Blob(name, size) for name, size in rows]
