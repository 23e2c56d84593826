-- The durable queue. `state` holds the numbers of messages/types/task.hpp.

CREATE TABLE quire_lane(
  id    INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  kind  TEXT NOT NULL
) STRICT;
-- lane_of, running_of_queue
CREATE UNIQUE INDEX quire_lane_queue ON quire_lane(queue, kind);
-- claim_tasks: all lanes of a kind
CREATE INDEX quire_lane_kind ON quire_lane(kind);

-- The hot row: no payload here, it would make claims 6 to 10 times slower.
CREATE TABLE quire_task(
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  lane          INTEGER NOT NULL REFERENCES quire_lane,
  state         INTEGER NOT NULL,
  priority      INTEGER NOT NULL,
  ord           INTEGER NOT NULL,             -- age and the priority's head start: smallest first
  run_at        INTEGER NOT NULL,             -- Unix ms, like all times
  attempt       INTEGER NOT NULL DEFAULT 0,
  attempts_max  INTEGER NOT NULL,
  crashes       INTEGER NOT NULL DEFAULT 0,
  crashes_max   INTEGER NOT NULL,             -- 0: no limit
  snoozes       INTEGER NOT NULL DEFAULT 0,
  epoch         INTEGER NOT NULL DEFAULT 0,   -- fencing number, +1 with each claim
  boot          INTEGER,                      -- of the process that runs it
  cancel_req    INTEGER NOT NULL DEFAULT 0,
  gate          TEXT,
  unique_key    TEXT,                         -- that it had when it was created, if any
  stage_id      INTEGER,
  item          INTEGER,                      -- place in the stage's list
  created_at    INTEGER NOT NULL,
  started_at    INTEGER,
  claimed_at    INTEGER,                      -- start of the present attempt
  finished_at   INTEGER,
  expires_at    INTEGER,                      -- it fails if it still waits then; null: it may
  end_by        INTEGER,                      -- it fails if it has not ended by then
  error_class   INTEGER NOT NULL DEFAULT 0,
  cancel_reason TEXT
) STRICT;
-- claim_tasks
CREATE INDEX quire_task_ready ON quire_task(lane, ord, id) WHERE state = 1;
-- pump_gate: who gets a place that is free
CREATE INDEX quire_task_blocked ON quire_task(gate, ord, id) WHERE state = 2;
-- promote_due_tasks
CREATE INDEX quire_task_due ON quire_task(run_at, id) WHERE state IN (4, 5);
-- expire_tasks
CREATE INDEX quire_task_expiring ON quire_task(expires_at, id)
  WHERE expires_at IS NOT NULL AND state IN (1, 2, 4, 5);
-- begin_boot, cancel_requests, fail_stuck_tasks
CREATE INDEX quire_task_running ON quire_task(claimed_at, id) WHERE state = 3;
-- prune_tasks; tasks of a stage go with their run
CREATE INDEX quire_task_ended ON quire_task(finished_at, id)
  WHERE state >= 10 AND stage_id IS NULL;
-- tasks and outputs of a stage; one task for each item, however often a fan-out is resumed
CREATE UNIQUE INDEX quire_task_stage ON quire_task(stage_id, item) WHERE stage_id IS NOT NULL;

CREATE TABLE quire_task_body(
  id            INTEGER PRIMARY KEY REFERENCES quire_task ON DELETE CASCADE,
  payload       TEXT NOT NULL,
  timeout_ms    INTEGER NOT NULL,             -- of one attempt; 0: no limit
  retry_base_ms INTEGER NOT NULL,             -- delay after the first failed attempt
  retry_factor  REAL NOT NULL,
  retry_cap_ms  INTEGER NOT NULL,
  retry_jitter  REAL NOT NULL,
  gate_capacity INTEGER NOT NULL,             -- if the gate has to be made
  start_ms      INTEGER NOT NULL,             -- to its first start, and to its end, from when it
  end_ms        INTEGER NOT NULL,             -- may start; 0: no limit
  heartbeat_ms  INTEGER NOT NULL              -- between two signs of life; 0: no limit
) STRICT;

CREATE TABLE quire_task_result(
  id     INTEGER PRIMARY KEY REFERENCES quire_task ON DELETE CASCADE,
  epoch  INTEGER NOT NULL,                    -- of the claim that gave it
  output TEXT,                                -- JSON: what later stages get
  detail TEXT                                 -- JSON: for people
) STRICT;

CREATE TABLE quire_task_attempt(
  task_id    INTEGER NOT NULL REFERENCES quire_task ON DELETE CASCADE,
  epoch      INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL,
  outcome    TEXT NOT NULL,
  error      TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(task_id, epoch)
) STRICT, WITHOUT ROWID;

-- How far the handler is, as it said last.
CREATE TABLE quire_task_progress(
  id      INTEGER PRIMARY KEY REFERENCES quire_task ON DELETE CASCADE,
  epoch   INTEGER NOT NULL,                   -- of the claim under which it did
  percent INTEGER NOT NULL,
  step    TEXT NOT NULL
) STRICT;

-- What it wrote down: the last 1000 lines.
CREATE TABLE quire_task_log(
  task_id INTEGER NOT NULL REFERENCES quire_task ON DELETE CASCADE,
  seq     INTEGER NOT NULL,
  epoch   INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  line    TEXT NOT NULL,
  PRIMARY KEY(task_id, seq)
) STRICT, WITHOUT ROWID;

-- Which task has a unique key. Of one that has ended the row stays until `until`, even
-- if the task is deleted before.
CREATE TABLE quire_task_key(
  kind    TEXT NOT NULL,
  key     TEXT NOT NULL,
  task_id INTEGER NOT NULL,
  until   INTEGER NOT NULL,                   -- 0: until the task ends
  PRIMARY KEY(kind, key)
) STRICT, WITHOUT ROWID;
-- leave_key
CREATE INDEX quire_task_key_task ON quire_task_key(task_id);
-- forget_keys
CREATE INDEX quire_task_key_until ON quire_task_key(until) WHERE until > 0;

-- `used` is always the number of ready and running tasks of the gate. A gate
-- nobody uses may be deleted: the next task makes it again.
CREATE TABLE quire_gate(
  gate     TEXT PRIMARY KEY,
  capacity INTEGER NOT NULL,
  used     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
