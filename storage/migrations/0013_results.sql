-- Large outputs are files beside the database, see storage/result_files.hpp.
ALTER TABLE quire_task_result ADD COLUMN file TEXT;

-- Minutes by which a task counts as older than it is, besides the head start of its priority.
ALTER TABLE quire_task_body ADD COLUMN head_start_min INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quire_schedule ADD COLUMN head_start_min INTEGER NOT NULL DEFAULT 0;
