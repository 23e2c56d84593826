-- Runs of pipelines, their stages and edges. `state` holds the numbers of
-- messages/types/pipeline.hpp.

CREATE TABLE quire_run(
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  pipeline    TEXT NOT NULL,
  definition  TEXT NOT NULL,                  -- the JSON it was started from
  params      TEXT NOT NULL,                  -- JSON object of texts
  state       INTEGER NOT NULL,
  cancel_req  INTEGER NOT NULL DEFAULT 0,
  recovered   INTEGER NOT NULL DEFAULT 0,     -- tasks requeued after their process died
  pruned      INTEGER NOT NULL DEFAULT 0,     -- some of its tasks are deleted already
  boots       INTEGER NOT NULL DEFAULT 1,     -- processes that worked on it
  boot        INTEGER NOT NULL,               -- the last of them
  created_at  INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
-- newest_open_run, count_open_runs, join_open_runs
CREATE INDEX quire_run_open ON quire_run(pipeline, id) WHERE state < 10;
-- prune_runs
CREATE INDEX quire_run_ended ON quire_run(finished_at, id) WHERE state >= 10;

CREATE TABLE quire_stage(
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id         INTEGER NOT NULL REFERENCES quire_run ON DELETE CASCADE,
  position       INTEGER NOT NULL,            -- in the file, from 0
  name           TEXT NOT NULL,
  state          INTEGER NOT NULL,
  deps_left      INTEGER NOT NULL,
  doomed         INTEGER NOT NULL DEFAULT 0,  -- a condition before it was not met, or it
                                              -- was cancelled before all its tasks existed
  percent_min    INTEGER NOT NULL,
  count_min      INTEGER NOT NULL,
  optional       INTEGER NOT NULL,
  total          INTEGER NOT NULL DEFAULT 0,
  completed      INTEGER NOT NULL DEFAULT 0,
  partial        INTEGER NOT NULL DEFAULT 0,
  failed         INTEGER NOT NULL DEFAULT 0,
  cancelled      INTEGER NOT NULL DEFAULT 0,
  skipped        INTEGER NOT NULL DEFAULT 0,
  sealed         INTEGER NOT NULL DEFAULT 0,  -- all tasks exist
  generation     INTEGER NOT NULL DEFAULT 0,  -- fencing number, +1 each time it is emptied or
                                              -- opened again
  started_at     INTEGER,
  finished_at    INTEGER,
  error          TEXT NOT NULL DEFAULT '',
  UNIQUE(run_id, position),
  UNIQUE(run_id, name)
) STRICT;
-- fanning_stages
CREATE INDEX quire_stage_fanning ON quire_stage(id) WHERE state = 1;

CREATE TABLE quire_edge(
  source    INTEGER NOT NULL REFERENCES quire_stage ON DELETE CASCADE,
  target    INTEGER NOT NULL REFERENCES quire_stage ON DELETE CASCADE,
  condition INTEGER NOT NULL,                 -- an edge_condition
  PRIMARY KEY(source, target)
) STRICT, WITHOUT ROWID;
-- reopen_stage, and the deletion of a stage
CREATE INDEX quire_edge_target ON quire_edge(target);
