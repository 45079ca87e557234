-- A journal of schema 1, as the first fluxsync wrote it. Kept as it is: later ones must be able to read it.
PRAGMA application_id = 1718383992;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'fluxsync','schema_1','2026-11-22 03:32:47.211562+00:00');
CREATE TABLE conflicts (
            path TEXT NOT NULL,
            copy_path TEXT NOT NULL,
            asset_id TEXT NOT NULL,
            time REAL NOT NULL,
            PRIMARY KEY (path, copy_path)
        );
INSERT INTO "conflicts" VALUES('z','z (copy)','10',1790000002.0);
CREATE TABLE digests (
            key TEXT NOT NULL,
            revision INTEGER NOT NULL,
            digest TEXT NOT NULL,
            time REAL NOT NULL,
            PRIMARY KEY (key, revision)
        ) WITHOUT ROWID;
INSERT INTO "digests" VALUES('9',1,'efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef',1790000000.0);
CREATE TABLE facts (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "facts" VALUES('account','https acme.fluxiom.com 443 acme');
INSERT INTO "facts" VALUES('journal_id','0badcafe');
INSERT INTO "facts" VALUES('pruned','1790000000.0');
INSERT INTO "facts" VALUES('root_id','5f3c');
CREATE TABLE held (
            action TEXT NOT NULL,
            path TEXT NOT NULL,
            asset_id TEXT NOT NULL,
            why TEXT NOT NULL
        );
INSERT INTO "held" VALUES('trash-remote','y','8','more than 25%');
CREATE TABLE history (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            time REAL NOT NULL,
            pass INTEGER NOT NULL,
            action TEXT NOT NULL,
            path TEXT NOT NULL,
            asset_id TEXT NOT NULL,
            outcome TEXT NOT NULL,
            detail TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            approved INTEGER NOT NULL CHECK (approved IN (0, 1))
        );
INSERT INTO "history" VALUES(1,1790000001.0,1,'create','Clients/Acme/übersicht.jpg','18555','done','',1234,0);
CREATE TABLE items (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL CHECK (kind IN ('file', 'folder')),
            path TEXT NOT NULL,
            key TEXT NOT NULL,
            folder TEXT NOT NULL,
            name TEXT NOT NULL,
            revision INTEGER NOT NULL,
            size INTEGER NOT NULL,
            digest TEXT NOT NULL,
            stamp_size INTEGER,
            stamp_mtime_ns INTEGER,
            stamp_ctime_ns INTEGER,
            stamp_inode INTEGER,
            birth_ns INTEGER,
            memo TEXT NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('agreed', 'kept-here', 'kept-there', 'trashed', 'superseded')),
            made_here INTEGER NOT NULL CHECK (made_here IN (0, 1)),
            odd INTEGER NOT NULL CHECK (odd IN (0, 1)),
            CHECK (stamp_size IS NULL OR
                   (stamp_mtime_ns IS NOT NULL AND stamp_ctime_ns IS NOT NULL AND stamp_inode IS NOT NULL))
        );
INSERT INTO "items" VALUES(1,'folder','Clients/Acme','7','','Clients/Acme',0,0,'',0,0,0,42,NULL,'tag','agreed',0,0);
INSERT INTO "items" VALUES(3,'file','Clients/Acme/übersicht.jpg','18555','7','übersicht.jpg',2,1234,'abababababababababababababababababababababababababababababababab',1234,1700000000000000001,1700000000000000002,43,1600000000000000000,'7 9','kept-here',1,0);
CREATE TABLE operations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            pass INTEGER NOT NULL,
            action TEXT NOT NULL,
            path TEXT NOT NULL,
            key TEXT NOT NULL,
            item_id INTEGER NOT NULL,
            why TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('planned', 'sent')),
            intent TEXT
        );
INSERT INTO "operations" VALUES(1,1,'create','Clients/Acme/new.jpg','',0,'new here','sent','["7", "new.jpg", 5, "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd", "18555 3"]');
CREATE TABLE passes (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            started REAL NOT NULL,
            ended REAL,
            tracked INTEGER NOT NULL,
            result TEXT NOT NULL,
            counts TEXT NOT NULL
        );
INSERT INTO "passes" VALUES(1,1790000000.0,1790000000.0,1,'partial','{"uploaded": 1}');
CREATE TABLE problems (
            path TEXT NOT NULL,
            reason TEXT NOT NULL,
            harmless INTEGER NOT NULL CHECK (harmless IN (0, 1)),
            since REAL NOT NULL,
            pass INTEGER NOT NULL
        );
INSERT INTO "problems" VALUES('x','open elsewhere',0,1790000000.0,1);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX items_path ON items (path);
CREATE INDEX items_key ON items (key);
CREATE INDEX passes_started ON passes (started);
CREATE INDEX history_time ON history (time);
CREATE INDEX history_path ON history (path);
CREATE INDEX history_pass ON history (pass);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('passes',1);
INSERT INTO "sqlite_sequence" VALUES('items',3);
INSERT INTO "sqlite_sequence" VALUES('history',1);
INSERT INTO "sqlite_sequence" VALUES('operations',1);
COMMIT;
