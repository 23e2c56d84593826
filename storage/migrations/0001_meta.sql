-- What Quire keeps about the file itself.
CREATE TABLE quire_meta(
  key   TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- How often an owner has opened this database: tasks that an older boot was
-- running are nobody's any more.
INSERT INTO quire_meta(key, value) VALUES('boot', 0);

-- The number of the last batch and a random number of the writer that wrote it,
-- once in each batch: it tells readers which state they see, and a writer whether
-- a COMMIT that failed took effect, even if another process has committed since.
CREATE TABLE quire_commit(
  id     INTEGER PRIMARY KEY CHECK(id = 1),
  seq    INTEGER NOT NULL,
  author INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO quire_commit(id, seq) VALUES(1, 0);
