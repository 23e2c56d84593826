-- Why an attempt failed, and which start of a runtime ran it (the `boot` of that time; null:
-- nobody did). That of a success stays in the row of its task.
ALTER TABLE quire_task_attempt ADD COLUMN error_class INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quire_task_attempt ADD COLUMN boot INTEGER;

-- Tasks for people and reports, with names for numbers. All that waits, for whatever, is `pending`.
CREATE VIEW quire_tasks AS
SELECT t.id, l.queue, l.kind, l.tenant,
       CASE t.state WHEN 3 THEN 'running' WHEN 10 THEN 'completed' WHEN 11 THEN 'partial_success'
                    WHEN 12 THEN 'failed' WHEN 13 THEN 'cancelled' WHEN 14 THEN 'skipped'
                    ELSE 'pending' END AS status,
       t.state, t.attempt, t.attempts_max, t.parent_id, t.created_at, t.run_at, t.started_at,
       t.finished_at, t.error_class
FROM quire_task t
  JOIN quire_lane l ON l.id = t.lane;
