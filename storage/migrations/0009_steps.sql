-- What the steps of tasks returned that are done: their next attempts do not do them again.
-- Time in Unix ms.
CREATE TABLE quire_task_step(
  task_id INTEGER NOT NULL REFERENCES quire_task ON DELETE CASCADE,
  name    TEXT NOT NULL,
  epoch   INTEGER NOT NULL,                   -- of the claim under which it was done
  at      INTEGER NOT NULL,
  value   TEXT NOT NULL,
  PRIMARY KEY(task_id, name)
) STRICT, WITHOUT ROWID;
