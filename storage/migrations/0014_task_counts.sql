-- How many tasks there are in each of the states that tasks end in: counted where they change, as
-- there may be millions. Those that have not ended are counted by their indexes.
CREATE TABLE quire_task_count(
  state INTEGER PRIMARY KEY,
  tasks INTEGER NOT NULL
) STRICT;
INSERT INTO quire_task_count(state, tasks) VALUES(10, 0), (11, 0), (12, 0), (13, 0), (14, 0);
UPDATE quire_task_count
SET tasks = counted.tasks
FROM (SELECT state, count(*) AS tasks FROM quire_task WHERE state >= 10 GROUP BY state) counted
WHERE counted.state = quire_task_count.state;

-- promote_due_tasks; count_due, which reads no rows of tasks to tell the two states apart
DROP INDEX quire_task_due;
CREATE INDEX quire_task_due ON quire_task(run_at, id, state) WHERE state IN (4, 5);
