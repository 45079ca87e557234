"""HTTP Basic on every call [000, 001], and what users may do.

Read-only users "can log in and preview", but neither download originals nor change anything [web-perm]. Which
name in `permissions` stands for which right is only known for `login` and `manage_assets` [000];
`manage_tags`, the tags manager, is our reading, and so are the statuses: 401 without a valid login, 403
without the right.
"""

import base64
import threading

from fluxsync.sandbox.errors import ApiError
from fluxsync.sandbox.model import User
from fluxsync.sandbox.users import UserTable

_MAX_REMEMBERED = 1000

#: Downloading and changing assets, by this right.
MANAGE_ASSETS = ("manage_assets",)
#: Changing tags, by either of these: who may edit assets may make tags for them.
MANAGE_TAGS = ("manage_assets", "manage_tags")


class Authenticator:
    """Finds the user of a request. To check a password is slow on purpose: what was right is remembered."""

    def __init__(self, users: UserTable) -> None:
        self._users = users
        self._lock = threading.Lock()
        self._revision = users.revision
        self._known: dict[str, User] = {}

    def user(self, authorization: str) -> User:
        """Return the user that an Authorization header names. Raises ApiError 401."""
        if self._revision != self._users.revision:
            with self._lock:
                self._revision = self._users.revision
                self._known = {}
        known = self._known
        user = known.get(authorization)
        if user is None:
            user = self._check(authorization)
            if len(known) < _MAX_REMEMBERED:
                known[authorization] = user
        return user

    def _check(self, authorization: str) -> User:
        scheme, _, encoded = authorization.partition(" ")
        try:
            username, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except ValueError:
            username = password = ""
        user = self._users.check(username, password) if scheme.lower() == "basic" and username else None
        if user is None or not user.may("login"):
            raise ApiError(401, "user name or password is wrong")
        return user


def require(user: User, rights: tuple[str, ...]) -> None:
    """Refuse a user who has none of these rights. Raises ApiError 403."""
    if not user.may(*rights):
        raise ApiError(403, f"{user.username} lacks the permission {rights[0]}")
