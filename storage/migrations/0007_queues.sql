-- What somebody decided about a queue. One without a row runs, without a limit.
CREATE TABLE quire_queue(
  queue     TEXT PRIMARY KEY,
  paused_at INTEGER,                          -- Unix ms; null: its tasks are started
  capacity  INTEGER,                          -- so many of its tasks run at a time; null: any number
  CHECK(paused_at IS NOT NULL OR capacity IS NOT NULL)
) STRICT, WITHOUT ROWID;
