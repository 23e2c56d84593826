-- How many tasks there are in each of the states that tasks end in: there may be millions. They
-- are counted where they change, in the row that each batch writes anyway.
ALTER TABLE quire_commit ADD COLUMN completed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quire_commit ADD COLUMN partial INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quire_commit ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quire_commit ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quire_commit ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
UPDATE quire_commit
SET (completed, partial, failed, cancelled, skipped) = (
  SELECT ifnull(sum(state = 10), 0), ifnull(sum(state = 11), 0), ifnull(sum(state = 12), 0),
         ifnull(sum(state = 13), 0), ifnull(sum(state = 14), 0)
  FROM quire_task
  WHERE state >= 10);

-- promote_due_tasks; count_due, which reads no rows of tasks to tell the two states apart
DROP INDEX quire_task_due;
CREATE INDEX quire_task_due ON quire_task(run_at, id, state) WHERE state IN (4, 5);
