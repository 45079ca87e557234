"""Users and their passwords.

The API only shows users; they are made through Python.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fluxsync.sandbox.database import Database
from fluxsync.sandbox.model import User, UserSpec

_COLUMNS = "id, username, first_name, last_name, email, permissions, created, updated"


class UserTable:
    """The users of the account. `revision` grows with each change, so that others may remember users."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self.revision = 0

    def all(self) -> list[User]:
        """Return all users in the order of their ids."""
        return [_user(row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM users ORDER BY id")]

    def get(self, user_id: int) -> User | None:
        """Return a user, or None."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM users WHERE id = ?", (user_id,))
        return _user(row) if row else None

    def by_name(self, username: str) -> User | None:
        """Return the user with this login name, or None."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM users WHERE username = ?", (username,))
        return _user(row) if row else None

    def first_id(self) -> int:
        """Return the id of the first user, who holds the account; 0 while there is none."""
        return int(self._database.value("SELECT min(id) FROM users") or 0)

    def save(self, spec: UserSpec) -> User:
        """Make this user, or bring the one with this login name to this state; the id stays."""
        email = spec.email or f"{spec.username}@sandbox.example.com"
        known = self.check(spec.username, spec.password)
        if known and known == replace(
            known,
            first_name=spec.first_name,
            last_name=spec.last_name,
            email=email,
            permissions=tuple(spec.permissions),
        ):
            return known
        now = self._clock()
        self._database.execute(
            "INSERT INTO users"
            " (username, password, first_name, last_name, email, permissions, created, updated)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (username) DO UPDATE SET password = excluded.password,"
            " first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,"
            " permissions = excluded.permissions, updated = excluded.updated",
            (
                spec.username,
                _hashed(spec.password, secrets.token_bytes(16)),
                spec.first_name,
                spec.last_name,
                email,
                json.dumps(spec.permissions),
                now,
                now,
            ),
        )
        self.revision += 1
        saved = self.by_name(spec.username)
        assert saved is not None
        return saved

    def delete(self, user_id: int) -> None:
        """Delete a user; the assets stay and keep the number."""
        self._database.execute("DELETE FROM users WHERE id = ?", (user_id,))
        self.revision += 1

    def check(self, username: str, password: str) -> User | None:
        """Return the user with this name and password, or None. It takes milliseconds, on purpose."""
        stored = self._database.value("SELECT password FROM users WHERE username = ?", (username,))
        if stored is None:
            return None
        salt = bytes.fromhex(str(stored).split(":")[0])
        if not hmac.compare_digest(_hashed(password, salt), str(stored)):
            return None
        return self.by_name(username)


def _hashed(password: str, salt: bytes) -> str:
    digest = hashlib.scrypt(password.encode(), salt=salt, n=2**11, r=8, p=1)
    return f"{salt.hex()}:{digest.hex()}"


def _user(row: tuple[Any, ...]) -> User:
    user_id, username, first_name, last_name, email, permissions, created, updated = row
    return User(
        user_id, username, first_name, last_name, email, tuple(json.loads(permissions)), created, updated
    )
