-- What maintenance did, newest last.
CREATE TABLE quire_maintenance(
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  operation  TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  rows       INTEGER NOT NULL,
  error      TEXT NOT NULL DEFAULT ''
) STRICT;
-- last_maintenance
CREATE INDEX quire_maintenance_operation ON quire_maintenance(operation, id);
