-- Tasks that are put into their queue again and again. Times are Unix ms.
CREATE TABLE quire_schedule(
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  name          TEXT NOT NULL UNIQUE,
  spec          TEXT NOT NULL,              -- when: see messages/types/cron.hpp
  tz            TEXT NOT NULL,
  overlap       INTEGER NOT NULL,           -- the numbers of messages/types/schedule.hpp
  catch_up      INTEGER NOT NULL,
  catch_up_max  INTEGER NOT NULL,
  starts_at     INTEGER,
  ends_at       INTEGER,
  jitter_ms     INTEGER NOT NULL,
  anchor_at     INTEGER NOT NULL,           -- from where intervals are counted
  paused        INTEGER NOT NULL DEFAULT 0,
  next_at       INTEGER,                    -- null: paused or over
  wake_at       INTEGER,                    -- when to look: next_at, or later after an error
  last_at       INTEGER,                    -- it fired for this time last
  fired         INTEGER NOT NULL DEFAULT 0,
  skipped       INTEGER NOT NULL DEFAULT 0,
  missed        INTEGER NOT NULL DEFAULT 0,
  error         TEXT NOT NULL DEFAULT '',
  created_at    INTEGER NOT NULL,
  changed_at    INTEGER NOT NULL,
  -- The task, as in quire_task and quire_task_body.
  queue         TEXT NOT NULL,
  kind          TEXT NOT NULL,
  priority      INTEGER NOT NULL,
  attempts_max  INTEGER NOT NULL,
  retry_base_ms INTEGER NOT NULL,
  retry_factor  REAL NOT NULL,
  retry_cap_ms  INTEGER NOT NULL,
  retry_jitter  REAL NOT NULL,
  timeout_ms    INTEGER NOT NULL,
  crashes_max   INTEGER NOT NULL,
  gate          TEXT NOT NULL,              -- empty: none
  gate_capacity INTEGER NOT NULL,
  start_ms      INTEGER NOT NULL,
  end_ms        INTEGER NOT NULL,
  heartbeat_ms  INTEGER NOT NULL,
  payload       TEXT NOT NULL
) STRICT;
-- fire_due_schedules
CREATE INDEX quire_schedule_wake ON quire_schedule(wake_at, id) WHERE wake_at IS NOT NULL;

-- One row for each time that a schedule fired for: it never does so twice. The last
-- hundreds of them are kept; they tell which tasks of a schedule have not ended, too.
CREATE TABLE quire_schedule_fire(
  schedule INTEGER NOT NULL REFERENCES quire_schedule ON DELETE CASCADE,
  fire_at  INTEGER NOT NULL,
  fired_at INTEGER NOT NULL,
  task_id  INTEGER,                         -- null: an earlier task had not ended
  PRIMARY KEY(schedule, fire_at)
) STRICT, WITHOUT ROWID;
