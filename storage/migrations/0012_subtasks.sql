-- Tasks that wait for others, which were created with them. They are `created` (0) meanwhile.
ALTER TABLE quire_task ADD COLUMN parent_id INTEGER;     -- whose subtask it is
ALTER TABLE quire_task ADD COLUMN subtasks_open INTEGER; -- so many of its own have not ended;
                                                         -- null: it has none
-- subtasks_of, and what is counted of them
CREATE INDEX quire_task_parent ON quire_task(parent_id, id) WHERE parent_id IS NOT NULL;
-- count_created
CREATE INDEX quire_task_created ON quire_task(id) WHERE state = 0;

DROP INDEX quire_task_ended;
-- prune_tasks; tasks of a stage go with their run, subtasks with their task
CREATE INDEX quire_task_ended ON quire_task(finished_at, id)
  WHERE state >= 10 AND stage_id IS NULL AND parent_id IS NULL;
