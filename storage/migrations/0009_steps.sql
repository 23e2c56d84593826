-- What the steps of tasks returned that are done: their next attempts do not do them again.
-- Time in Unix ms.
CREATE TABLE quire_task_step(
  task_id INTEGER NOT NULL REFERENCES quire_task ON DELETE CASCADE,
  name    TEXT NOT NULL,
  seq     INTEGER NOT NULL,                   -- from 1, in the order in which they were done
  epoch   INTEGER NOT NULL,                   -- of the claim under which it was done
  at      INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,                   -- of its value
  value   TEXT NOT NULL,
  PRIMARY KEY(task_id, name)
) STRICT, WITHOUT ROWID;
-- last_step, steps_of
CREATE UNIQUE INDEX quire_task_step_seq ON quire_task_step(task_id, seq);
