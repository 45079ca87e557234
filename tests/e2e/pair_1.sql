-- The journal of a pair in step, as the first release kept it. Kept as it is: later ones must go on from it.
PRAGMA application_id = 1718383992;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'fluxsync','schema_1','2026-11-22 07:22:57.935166+00:00');
CREATE TABLE conflicts (
            path TEXT NOT NULL,
            copy_path TEXT NOT NULL,
            asset_id TEXT NOT NULL,
            time REAL NOT NULL,
            PRIMARY KEY (path, copy_path)
        );
CREATE TABLE digests (
            key TEXT NOT NULL,
            revision INTEGER NOT NULL,
            digest TEXT NOT NULL,
            time REAL NOT NULL,
            PRIMARY KEY (key, revision)
        ) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "facts" VALUES('account','http://127.0.0.1:PORT');
INSERT INTO "facts" VALUES('journal_id','c8bf87b8');
INSERT INTO "facts" VALUES('mapping','{"extra_tags": [], "folders": ["**"], "include": ["**"], "labels": []}');
INSERT INTO "facts" VALUES('mounts','[]');
INSERT INTO "facts" VALUES('pruned','1795332178.0253189');
INSERT INTO "facts" VALUES('remote','{"highest_id": "18553", "last_list_length": "7", "subdomain": "sandbox", "trash_tag_id": "104", "versions": "yes"}');
INSERT INTO "facts" VALUES('root_id','5f3c0000000000000000000000005f3c');
INSERT INTO "facts" VALUES('run','9fd6d605');
CREATE TABLE held (
            action TEXT NOT NULL,
            path TEXT NOT NULL,
            asset_id TEXT NOT NULL,
            why TEXT NOT NULL
        );
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
INSERT INTO "history" VALUES(1,1.79533217806517624848e+09,1,'make-folder','Clients/Acme','101@tag','done','tag on the account',0,1);
INSERT INTO "history" VALUES(2,1.79533217806907415391e+09,1,'make-folder','Clients/Beta','102@tag','done','tag on the account',0,1);
INSERT INTO "history" VALUES(3,1.79533217808146119119e+09,1,'download','Clients/Acme/deleted here.txt','18552','done','new on the account',7,1);
INSERT INTO "history" VALUES(4,1.79533217808530950543e+09,1,'download','Clients/Beta/labelled.txt','18551','done','new on the account',8,1);
INSERT INTO "history" VALUES(5,1.79533217809199738507e+09,1,'download','Clients/Acme/edited there.txt','18550','done','new on the account',12,1);
INSERT INTO "history" VALUES(6,1.79533217809773516654e+09,1,'download','Clients/Acme/edited here.txt','18549','done','new on the account',9,1);
INSERT INTO "history" VALUES(7,1.7953321781020636558e+09,1,'download','Clients/Acme/übersicht.txt','18548','done','new on the account',8,1);
INSERT INTO "history" VALUES(8,1.79533217812122631077e+09,1,'download','in the root.txt','18547','done','new on the account',4,1);
INSERT INTO "history" VALUES(9,1.79533217831356024744e+09,2,'trash-remote','Clients/Acme/deleted here.txt','18552','done','deleted here',0,0);
INSERT INTO "history" VALUES(10,1.79533217831723141671e+09,2,'make-tag','Clients','105@tag','done','for the files in it',0,1);
INSERT INTO "history" VALUES(11,1.795332178332328558e+09,2,'version','Clients/Acme/edited here.txt','18549','done','edited here',6,0);
INSERT INTO "history" VALUES(12,1.79533217833400177958e+09,2,'create','Clients/new here.txt','18553','done','new here',8,1);
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
INSERT INTO "items" VALUES(1,'folder','Clients/Acme','101@tag','','Clients/Acme',0,0,'',4096,1795332178063127583,1795332178063127583,2433219,1795332178063127583,'','agreed',0,0);
INSERT INTO "items" VALUES(2,'folder','Clients/Beta','102@tag','','Clients/Beta',0,0,'',4096,1795332178064354443,1795332178064354443,2433238,1795332178064354443,'','agreed',0,0);
INSERT INTO "items" VALUES(3,'file','Clients/Acme/deleted here.txt','18552','101@tag','deleted here.txt',0,7,'1185f37d33b0f89e331f101a51bb8e51165c7efda15950b86a3ebcbb363f898e',7,1790000000000000000,1795332178079580274,2359312,1795332178077777866,'1790000000|101,104|','trashed',0,0);
INSERT INTO "items" VALUES(4,'file','Clients/Beta/labelled.txt','18551','102@tag','labelled.txt',0,8,'6cc8d29769c753303da01dff740064094f4f7b1c34a768285c54eb5e1a713e02',8,1790000000000000000,1795332178083777139,2359337,1795332178080650148,'1790000000|102,103|','agreed',0,0);
INSERT INTO "items" VALUES(5,'file','Clients/Acme/edited there.txt','18550','101@tag','edited there.txt',1,12,'b627a81f574f8bb0c8ce8091bac19ecfb3a15700678891d472ff35ca4da85c63',12,1790000000000000000,1795332178088570319,2359382,1795332178084737795,'1790000000|101|','agreed',0,0);
INSERT INTO "items" VALUES(6,'file','Clients/Acme/edited here.txt','18549','101@tag','edited here.txt',1,6,'1fb9f4097256db2d7b1e13aff79cee44339891a31c556b9cf6093885773b3618',6,1795332178148354447,1795332178148354447,2359398,1795332178092354444,'1790000000|101|','agreed',1,0);
INSERT INTO "items" VALUES(7,'file','Clients/Acme/übersicht.txt','18548','101@tag','übersicht.txt',0,8,'bd445c462b7eebbc242e27f08c7d981e97fb28faf17ea73862bf95119b60e0f7',8,1790000000000000000,1795332178099462764,2359413,1795332178098827844,'1790000000|101|','agreed',0,0);
INSERT INTO "items" VALUES(8,'file','in the root.txt','18547','','in the root.txt',0,4,'4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2',4,1790000000000000000,1795332178102544485,2359429,1795332178102100640,'1790000000||','agreed',0,0);
INSERT INTO "items" VALUES(9,'folder','Clients','105@tag','','Clients',0,0,'',4096,1795332178152354447,1795332178152354447,2433119,NULL,'','agreed',1,0);
INSERT INTO "items" VALUES(10,'file','Clients/new here.txt','18553','105@tag','new here.txt',0,8,'5543a498bd7e33451bb0813152d1d4dd7f3a92dee394243d06be6f89f69d51f1',8,1795332178154645924,1795332178154645924,2433240,1795332178152354447,'1790000000|105|','agreed',1,0);
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
CREATE TABLE passes (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            started REAL NOT NULL,
            ended REAL,
            tracked INTEGER NOT NULL,
            result TEXT NOT NULL,
            counts TEXT NOT NULL
        );
INSERT INTO "passes" VALUES(1,1.79533217802531886104e+09,1.79533217813014173503e+09,0,'in-step','{"uploaded": 0, "versions": 0, "downloaded": 6, "moved_local": 0, "moved_remote": 0, "trashed_local": 0, "trashed_remote": 0, "conflicts": 0, "failed": 0, "held": 0, "unchanged": 0, "bytes_up": 0, "bytes_down": 48, "requests": 14, "seconds": 0.104}');
INSERT INTO "passes" VALUES(2,1.7953321781694355011e+09,1795332178.24015,6,'in-step','{"uploaded": 1, "versions": 1, "downloaded": 0, "moved_local": 0, "moved_remote": 0, "trashed_local": 0, "trashed_remote": 1, "conflicts": 0, "failed": 0, "held": 0, "unchanged": 4, "bytes_up": 14, "bytes_down": 0, "requests": 16, "seconds": 0.171}');
INSERT INTO "passes" VALUES(3,1.79533217829734039307e+09,1.79533217832933616638e+09,6,'in-step','{"uploaded": 0, "versions": 0, "downloaded": 0, "moved_local": 0, "moved_remote": 0, "trashed_local": 0, "trashed_remote": 0, "conflicts": 0, "failed": 0, "held": 0, "unchanged": 6, "bytes_up": 0, "bytes_down": 0, "requests": 8, "seconds": 0.032}');
CREATE TABLE problems (
            path TEXT NOT NULL,
            reason TEXT NOT NULL,
            harmless INTEGER NOT NULL CHECK (harmless IN (0, 1)),
            since REAL NOT NULL,
            pass INTEGER NOT NULL
        );
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX items_path ON items (path);
CREATE INDEX items_key ON items (key);
CREATE INDEX passes_started ON passes (started);
CREATE INDEX history_time ON history (time);
CREATE INDEX history_path ON history (path);
CREATE INDEX history_pass ON history (pass);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('passes',3);
INSERT INTO "sqlite_sequence" VALUES('operations',12);
INSERT INTO "sqlite_sequence" VALUES('items',10);
INSERT INTO "sqlite_sequence" VALUES('history',12);
COMMIT;
