"""The values that the parts of the sandbox pass around; none of them knows the database or HTTP.

Times are whole seconds since 1970: the documents show no finer ones [002].
"""

from collections.abc import Mapping
from dataclasses import dataclass

#: What is known of a file's content, by the names of the JSON version object [000], e.g. `pixel_width`.
#: `alpha_channel` is "1" or "0".
Metadata = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Blob:
    """A complete content file: the name that it has in the store (never the user's) and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class TagRef:
    """A tag as an asset shows it."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag with the number of assets that have it. There are no stages here, so their count is 0."""

    id: int
    name: str
    documents_count: int
    stages_count: int = 0


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset with its current content. `metadata` is None until somebody has read it after its creation."""

    id: int
    title: str
    description: str
    user_id: int
    created: int
    updated: int
    version: int
    version_id: int
    filename: str
    content_type: str
    blob: Blob
    metadata: Metadata | None
    tags: tuple[TagRef, ...] = ()

    @property
    def size(self) -> int:
        """The size of the current content in bytes."""
        return self.blob.size


@dataclass(frozen=True, slots=True)
class Version:
    """One content of an asset. `created` is the asset's: so the samples show it [002]."""

    id: int
    asset_id: int
    number: int
    filename: str
    content_type: str
    blob: Blob
    comment: str
    user_id: int
    created: int
    updated: int
    metadata: Metadata | None

    @property
    def size(self) -> int:
        """The size of the content in bytes."""
        return self.blob.size


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent ahead by the 2007 upload call [001] and that no asset has taken yet."""

    id: int
    filename: str
    content_type: str
    blob: Blob


@dataclass(frozen=True, slots=True)
class User:
    """A user as the API shows it, and the name to log in with, which the API does not show."""

    id: int
    username: str
    first_name: str
    last_name: str
    email: str
    permissions: tuple[str, ...]
    created: int
    updated: int

    def may(self, *permissions: str) -> bool:
        """Tell whether the user has one of these permissions."""
        return any(permission in self.permissions for permission in permissions)


#: The rights of a new user: "access your account, as well as add, edit, share and delete files" [web-perm].
#: The first two names are in every sample [000]; the names of further rights are our reading.
DEFAULT_PERMISSIONS = ("login", "manage_assets")


@dataclass(frozen=True, slots=True)
class UserSpec:
    """A user to be made, or to be brought to this state where the login name exists."""

    username: str
    password: str
    first_name: str = "Jane"
    last_name: str = "Smith"
    email: str = ""
    permissions: tuple[str, ...] = DEFAULT_PERMISSIONS
