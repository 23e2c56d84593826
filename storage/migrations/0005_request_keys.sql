-- Requests that must not be executed twice, and what was answered the first time.
CREATE TABLE quire_request(
  id           INTEGER PRIMARY KEY,
  key          TEXT NOT NULL UNIQUE,
  fingerprint  INTEGER NOT NULL,           -- Of the statements and their parameters.
  created_at   INTEGER NOT NULL,
  commit_seq   INTEGER NOT NULL,
  rows_changed INTEGER NOT NULL,
  last_rowid   INTEGER NOT NULL,
  results      BLOB                        -- Null if it returned no rows.
) STRICT;
-- forget_requests
CREATE INDEX quire_request_created ON quire_request(created_at);
