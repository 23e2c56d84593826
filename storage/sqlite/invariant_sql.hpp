#pragma once

#include <string_view>

/// Queries for what violates the invariants: a noun, and the number or name of one. For
/// this folder only. None relies on an index (`INDEXED BY`), so that they work where one
/// is missing.
namespace quire::storage::invariant_sql {

inline constexpr std::string_view boot_number = R"(
  SELECT 'row', 'boot of quire_meta'
  WHERE NOT EXISTS(
    SELECT 1
    FROM quire_meta
    WHERE key = 'boot' AND typeof(value) = 'integer'
      AND value >= ifnull((SELECT max(boot) FROM quire_run), 0)))";

inline constexpr std::string_view commit_number = R"(
  SELECT 'row', '1 of quire_commit'
  WHERE NOT EXISTS(SELECT 1 FROM quire_commit WHERE id = 1 AND seq >= 0))";

inline constexpr std::string_view known_states = R"(
  SELECT 'task', id FROM quire_task
  WHERE state NOT IN (0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14)
  UNION ALL
  SELECT 'stage', id FROM quire_stage WHERE state NOT IN (0, 1, 3, 10, 11, 12, 13, 14)
  UNION ALL
  SELECT 'run', id FROM quire_run WHERE state NOT IN (3, 10, 11, 12, 13))";

inline constexpr std::string_view task_numbers = R"(
  SELECT 'task', id
  FROM quire_task
  WHERE attempt < 0 OR attempt > attempts_max OR attempts_max < 1 OR crashes < 0
    OR crashes_max < 0 OR (crashes_max > 0 AND crashes >= crashes_max AND state < 10)
    OR epoch < 0 OR cancel_req NOT IN (0, 1) OR error_class NOT BETWEEN 0 AND 7
    OR priority NOT BETWEEN 0 AND 3)";

inline constexpr std::string_view public_key = R"(
  SELECT 'row', 'public_key of quire_meta'
  WHERE NOT EXISTS (SELECT 1 FROM quire_meta WHERE key = 'public_key' AND typeof(value) = 'integer'))";

// The claim that runs now has no attempt in the history yet.
inline constexpr std::string_view epochs = R"(
  SELECT 'task', t.id
  FROM quire_task t
    LEFT JOIN (SELECT task_id, max(epoch) AS epoch FROM quire_task_attempt GROUP BY task_id) a
      ON a.task_id = t.id
    LEFT JOIN quire_task_result r ON r.id = t.id
    LEFT JOIN (SELECT task_id, max(epoch) AS epoch FROM quire_task_step GROUP BY task_id) s
      ON s.task_id = t.id
  WHERE t.epoch < t.attempt OR t.epoch < ifnull(a.epoch, 0) + (t.state = 3)
    OR t.epoch < ifnull(r.epoch, 0) OR t.epoch < ifnull(s.epoch, 0))";

inline constexpr std::string_view end_times = R"(
  SELECT 'task', id FROM quire_task WHERE (state >= 10) <> (finished_at IS NOT NULL)
  UNION ALL
  SELECT 'stage', id FROM quire_stage WHERE (state >= 10) <> (finished_at IS NOT NULL)
  UNION ALL
  SELECT 'run', id FROM quire_run WHERE (state >= 10) <> (finished_at IS NOT NULL))";

inline constexpr std::string_view claim_times = R"(
  SELECT 'task', id
  FROM quire_task
  WHERE state = 3 AND (claimed_at IS NULL OR started_at IS NULL))";

inline constexpr std::string_view claim_boots = R"(
  SELECT 'task', id
  FROM quire_task
  WHERE state = 3 AND boot IS NOT (SELECT value FROM quire_meta WHERE key = 'boot'))";

inline constexpr std::string_view idle_boots = R"(
  SELECT 'task', id FROM quire_task WHERE state <> 3 AND state < 10 AND boot IS NOT NULL)";

inline constexpr std::string_view waiting_payloads = R"(
  SELECT 'task', id
  FROM quire_task
  WHERE state < 10 AND state <> 3 AND id NOT IN (SELECT id FROM quire_task_body))";

inline constexpr std::string_view other_payloads = R"(
  SELECT 'task', id
  FROM quire_task
  WHERE (state >= 10 OR state = 3) AND id NOT IN (SELECT id FROM quire_task_body))";

inline constexpr std::string_view lanes = R"(
  SELECT 'task', id FROM quire_task WHERE lane NOT IN (SELECT id FROM quire_lane)
  UNION ALL
  SELECT 'lane', id FROM quire_lane WHERE queue = '' OR kind = '')";

inline constexpr std::string_view task_stages = R"(
  SELECT 'task', id
  FROM quire_task
  WHERE stage_id IS NOT NULL AND stage_id NOT IN (SELECT id FROM quire_stage))";

inline constexpr std::string_view tenant_limits = R"(
  SELECT 'tenant', tenant
  FROM quire_tenant
  WHERE capacity < 1 OR weight NOT BETWEEN 1 AND 1000 OR paused NOT IN (0, 1))";

inline constexpr std::string_view subtask_counts = R"(
  SELECT 'task', t.id
  FROM quire_task t
    LEFT JOIN (SELECT parent_id, sum(state < 10) AS open
               FROM quire_task WHERE parent_id IS NOT NULL GROUP BY parent_id) s
      ON s.parent_id = t.id
  WHERE t.subtasks_open IS NOT s.open OR (t.state = 0 AND ifnull(s.open, 0) = 0))";

inline constexpr std::string_view stray_subtasks = R"(
  SELECT 'task', id
  FROM quire_task
  WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT id FROM quire_task))";

inline constexpr std::string_view stray_payloads = R"(
  SELECT 'payload', id FROM quire_task_body WHERE id NOT IN (SELECT id FROM quire_task))";

inline constexpr std::string_view stray_results = R"(
  SELECT 'result', id FROM quire_task_result WHERE id NOT IN (SELECT id FROM quire_task))";

inline constexpr std::string_view stray_attempts = R"(
  SELECT 'attempt', task_id || '/' || epoch
  FROM quire_task_attempt
  WHERE task_id NOT IN (SELECT id FROM quire_task))";

inline constexpr std::string_view stray_keys = R"(
  SELECT 'key', kind || '/' || key
  FROM quire_task_key
  WHERE until = 0 AND task_id NOT IN (SELECT id FROM quire_task WHERE state < 10))";

inline constexpr std::string_view outputs = R"(
  SELECT 'task', t.id
  FROM quire_task_result r
    JOIN quire_task t ON t.id = r.id
  WHERE (r.output IS NOT NULL OR r.file IS NOT NULL) AND t.state NOT IN (10, 11))";

inline constexpr std::string_view gate_capacities =
  "SELECT 'gate', gate FROM quire_gate WHERE capacity < 1";

inline constexpr std::string_view queue_limits =
  "SELECT 'queue', queue FROM quire_queue WHERE capacity < 1";

inline constexpr std::string_view kind_limits = R"(
  SELECT 'kind', kind
  FROM quire_kind
  WHERE capacity < 1 OR rate_count < 1 OR rate_ms < 1 OR burst < 1
    OR (capacity IS NULL AND rate_count IS NULL AND breaker IS NULL))";

inline constexpr std::string_view kind_breakers = R"(
  SELECT 'kind', kind
  FROM quire_kind
  WHERE breaker IS NOT NULL AND breaker NOT IN (SELECT name FROM quire_breaker))";

inline constexpr std::string_view stray_words = R"(
  SELECT 'progress', id FROM quire_task_progress WHERE id NOT IN (SELECT id FROM quire_task)
  UNION ALL
  SELECT 'line', task_id || '/' || seq
  FROM quire_task_log
  WHERE task_id NOT IN (SELECT id FROM quire_task)
  UNION ALL
  SELECT 'step', task_id || '/' || name
  FROM quire_task_step
  WHERE task_id NOT IN (SELECT id FROM quire_task))";

inline constexpr std::string_view gate_places = R"(
  SELECT 'gate', g.gate
  FROM quire_gate g
    LEFT JOIN (SELECT gate, count(*) AS places FROM quire_task
               WHERE state IN (1, 3) AND gate IS NOT NULL GROUP BY gate) t ON t.gate = g.gate
  WHERE g.used <> ifnull(t.places, 0)
  UNION ALL
  SELECT DISTINCT 'gate', gate
  FROM quire_task
  WHERE state IN (1, 2, 3) AND gate IS NOT NULL AND gate NOT IN (SELECT gate FROM quire_gate))";

inline constexpr std::string_view free_places = R"(
  SELECT 'task', t.id
  FROM quire_task t
    LEFT JOIN quire_gate g ON g.gate = t.gate
  WHERE t.state = 2 AND (t.gate IS NULL OR g.used < g.capacity))";

// Without that row nothing is counted: see commit_number.
inline constexpr std::string_view task_counts = R"(
  SELECT 'state', c.state
  FROM (SELECT 10 AS state, completed AS tasks FROM quire_commit
        UNION ALL SELECT 11, partial FROM quire_commit
        UNION ALL SELECT 12, failed FROM quire_commit
        UNION ALL SELECT 13, cancelled FROM quire_commit
        UNION ALL SELECT 14, skipped FROM quire_commit) c
    LEFT JOIN (SELECT state, count(*) AS tasks FROM quire_task GROUP BY state) t
      ON t.state = c.state
  WHERE c.tasks <> ifnull(t.tasks, 0))";

inline constexpr std::string_view stage_items = R"(
  SELECT 'stage', t.stage_id
  FROM quire_task t
    JOIN quire_stage s ON s.id = t.stage_id
    JOIN quire_run r ON r.id = s.run_id
  WHERE r.state < 10
  GROUP BY t.stage_id
  HAVING count(*) <> count(DISTINCT t.item) OR min(t.item) <> 0 OR max(t.item) <> count(*) - 1)";

// The tasks of a run that has ended may be deleted in portions, before it is.
inline constexpr std::string_view stage_counters = R"(
  SELECT 'stage', s.id
  FROM quire_stage s
    JOIN quire_run r ON r.id = s.run_id
    LEFT JOIN (SELECT stage_id, count(*) AS total, sum(state = 10) AS completed,
                      sum(state = 11) AS partial, sum(state = 12) AS failed,
                      sum(state = 13) AS cancelled, sum(state = 14) AS skipped
               FROM quire_task WHERE stage_id IS NOT NULL GROUP BY stage_id) t
      ON t.stage_id = s.id
  WHERE min(s.completed, s.partial, s.failed, s.cancelled, s.skipped) < 0
    OR CASE WHEN r.state < 10 THEN
      (s.total, s.completed, s.partial, s.failed, s.cancelled, s.skipped)
      <> (ifnull(t.total, 0), ifnull(t.completed, 0), ifnull(t.partial, 0), ifnull(t.failed, 0),
          ifnull(t.cancelled, 0), ifnull(t.skipped, 0))
    ELSE s.total < t.total OR s.completed < t.completed OR s.partial < t.partial
      OR s.failed < t.failed OR s.cancelled < t.cancelled OR s.skipped < t.skipped END)";

inline constexpr std::string_view open_tasks = R"(
  SELECT 'task', t.id
  FROM quire_task t
    JOIN quire_stage s ON s.id = t.stage_id
  WHERE t.state < 10 AND (s.state >= 10 OR s.state = 0))";

inline constexpr std::string_view stage_seals = R"(
  SELECT 'stage', id FROM quire_stage WHERE state < 10 AND sealed <> (state = 3))";

inline constexpr std::string_view stage_ends = R"(
  SELECT 'stage', id
  FROM quire_stage
  WHERE state = 3 AND sealed = 1 AND completed + partial + failed + cancelled + skipped >= total)";

inline constexpr std::string_view stage_runs = R"(
  SELECT 'stage', id FROM quire_stage WHERE run_id NOT IN (SELECT id FROM quire_run))";

inline constexpr std::string_view edges = R"(
  SELECT 'edge', source || ' to ' || target
  FROM quire_edge
  WHERE source NOT IN (SELECT id FROM quire_stage) OR target NOT IN (SELECT id FROM quire_stage))";

inline constexpr std::string_view dependencies = R"(
  SELECT 'stage', s.id
  FROM quire_stage s
    LEFT JOIN (SELECT e.target, sum(b.state < 10) AS open,
                      max(b.state >= 10 AND NOT CASE e.condition WHEN 0 THEN b.state = 10
                          WHEN 1 THEN b.state IN (10, 11) WHEN 2 THEN b.state = 12 ELSE 1 END)
                        AS unsatisfied
               FROM quire_edge e JOIN quire_stage b ON b.id = e.source
               GROUP BY e.target) d ON d.target = s.id
  WHERE s.state = 0 AND (s.deps_left <> ifnull(d.open, 0) OR s.deps_left = 0
                         OR (s.doomed <> 0) <> ifnull(d.unsatisfied, 0)))";

inline constexpr std::string_view run_ends = R"(
  SELECT 'run', r.id
  FROM quire_run r
  WHERE (r.state >= 10)
    = EXISTS(SELECT 1 FROM quire_stage s WHERE s.run_id = r.id AND s.state < 10))";

inline constexpr std::string_view cancelled_runs = R"(
  SELECT DISTINCT 'run', r.id
  FROM quire_run r
    JOIN quire_stage s ON s.run_id = r.id
    LEFT JOIN quire_task t ON t.stage_id = s.id AND t.state < 10
  WHERE r.state < 10 AND r.cancel_req = 1
    AND (s.state IN (0, 1) OR t.state <> 3 OR t.cancel_req = 0))";

inline constexpr std::string_view requests = R"(
  SELECT 'request', id
  FROM quire_request
  WHERE key = '' OR rows_changed < 0 OR commit_seq < 0
    OR commit_seq > ifnull((SELECT seq FROM quire_commit WHERE id = 1), commit_seq))";

inline constexpr std::string_view foreign_keys = R"(
  SELECT m.name, ifnull(f.rowid, 'without a number')
  FROM sqlite_schema m
    JOIN pragma_foreign_key_check(m.name) f
  WHERE m.type = 'table' AND m.name LIKE 'quire\_%' ESCAPE '\')";

} // namespace quire::storage::invariant_sql
