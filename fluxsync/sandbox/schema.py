"""The tables.

Each kind of id starts near the documents' examples [000, 002], in a series of its own. AUTOINCREMENT keeps an
id from being given twice: what was deleted never comes back under its old id.
"""

FIRST_ASSET_ID = 18547
FIRST_VERSION_ID = 18628
FIRST_TAG_ID = 101
FIRST_USER_ID = 35
FIRST_UPLOAD_ID = 5001

TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS assets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    asset_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    filename TEXT NOT NULL,
    content_type TEXT NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    comment TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    metadata TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS versions_by_asset ON versions (asset_id, number);

CREATE TABLE IF NOT EXISTS tags (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);

CREATE TABLE IF NOT EXISTS asset_tags (
    asset_id INTEGER NOT NULL,
    tag_id INTEGER NOT NULL,
    PRIMARY KEY (asset_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS asset_tags_by_tag ON asset_tags (tag_id);

CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    username TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    permissions TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS uploads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    filename TEXT NOT NULL,
    content_type TEXT NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    created INTEGER NOT NULL
);
"""

#: The last id before the first one of each table.
LAST_IDS = {
    "assets": FIRST_ASSET_ID - 1,
    "versions": FIRST_VERSION_ID - 1,
    "tags": FIRST_TAG_ID - 1,
    "users": FIRST_USER_ID - 1,
    "uploads": FIRST_UPLOAD_ID - 1,
}
