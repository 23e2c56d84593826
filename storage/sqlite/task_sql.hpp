#pragma once

#include <string_view>

/// The statements on hot paths. The stores run them, and a test asks SQLite
/// how it would. `INDEXED BY` makes one fail that could no longer use its
/// index; partial indexes are used with literal states only, never with bound
/// ones. `CROSS JOIN` keeps the order of the tables: statistics of a small file
/// would make SQLite scan some.
namespace quire::storage::task_sql {

// The lanes in which tasks wait, and whose queue and tenant are not paused. From one lane to the
// next by the index: those without tasks, of which there may be many, are not looked at.
inline constexpr std::string_view waiting_lanes = R"(
  WITH RECURSIVE waiting(lane) AS (
    SELECT min(lane) FROM quire_task INDEXED BY quire_task_ready WHERE state = 1
    UNION ALL
    SELECT (SELECT min(lane) FROM quire_task INDEXED BY quire_task_ready
            WHERE state = 1 AND lane > waiting.lane)
    FROM waiting
    WHERE waiting.lane IS NOT NULL)
  SELECT l.id, q.capacity, l.queue, l.tenant, t.weight, t.capacity, l.kind
  FROM waiting
    CROSS JOIN quire_lane l ON l.id = waiting.lane
    LEFT JOIN quire_queue q ON q.queue = l.queue
    LEFT JOIN quire_tenant t ON t.tenant = l.tenant
  WHERE q.paused_at IS NULL AND t.paused IS NOT 1)";

// Few run at a time, so they are counted when a queue has a limit: nothing has to be kept true.
inline constexpr std::string_view running_of_queue = R"(
  SELECT count(*)
  FROM quire_task INDEXED BY quire_task_running
  WHERE state = 3 AND lane IN (
    SELECT id FROM quire_lane INDEXED BY quire_lane_queue WHERE queue = ?1))";

inline constexpr std::string_view running_of_tenant = R"(
  SELECT count(*)
  FROM quire_task INDEXED BY quire_task_running
  WHERE state = 3 AND lane IN (
    SELECT id FROM quire_lane INDEXED BY quire_lane_tenant WHERE tenant = ?1))";

inline constexpr std::string_view kind_row = R"(
  SELECT capacity, rate_count, rate_ms, burst, full_at_us, breaker
  FROM quire_kind
  WHERE kind = ?1)";

inline constexpr std::string_view running_of_kind = R"(
  SELECT count(*)
  FROM quire_task INDEXED BY quire_task_running
  WHERE state = 3 AND lane IN (
    SELECT id FROM quire_lane INDEXED BY quire_lane_kind WHERE kind = ?1))";

// What started before it was half open is no probe.
inline constexpr std::string_view running_of_breaker = R"(
  SELECT count(*)
  FROM quire_task INDEXED BY quire_task_running
  WHERE state = 3 AND claimed_at >= ?2 AND lane IN (
    SELECT l.id
    FROM quire_kind k INDEXED BY quire_kind_breaker
      CROSS JOIN quire_lane l INDEXED BY quire_lane_kind ON l.kind = k.kind
    WHERE k.breaker = ?1))";

// What decides nothing any more has no row.
inline constexpr std::string_view drop_undecided_kinds = R"(
  DELETE FROM quire_kind WHERE breaker IS NULL AND capacity IS NULL AND rate_count IS NULL)";

inline constexpr std::string_view any_guarded_kind = R"(
  SELECT 1 FROM quire_kind INDEXED BY quire_kind_breaker WHERE breaker IS NOT NULL LIMIT 1)";

inline constexpr std::string_view breaker_of_task = R"(
  SELECT (SELECT k.breaker FROM quire_kind k
          WHERE k.kind = (SELECT l.kind FROM quire_lane l WHERE l.id = t.lane)),
         t.claimed_at
  FROM quire_task t
  WHERE t.id = ?1)";

inline constexpr std::string_view ready_by_lane = R"(
  SELECT lane, count(*)
  FROM quire_task INDEXED BY quire_task_ready
  WHERE state = 1
  GROUP BY lane)";

inline constexpr std::string_view running_by_lane = R"(
  SELECT lane, count(*)
  FROM quire_task INDEXED BY quire_task_running
  WHERE state = 3
  GROUP BY lane)";

inline constexpr std::string_view blocked_by_lane = R"(
  SELECT lane, count(*)
  FROM quire_task INDEXED BY quire_task_blocked
  WHERE state = 2
  GROUP BY lane)";

inline constexpr std::string_view due_by_lane = R"(
  SELECT lane, count(*)
  FROM quire_task INDEXED BY quire_task_due
  WHERE state IN (4, 5)
  GROUP BY lane)";

inline constexpr std::string_view count_created =
  "SELECT count(*) FROM quire_task INDEXED BY quire_task_created WHERE state = 0";

inline constexpr std::string_view count_ready =
  "SELECT count(*) FROM quire_task INDEXED BY quire_task_ready WHERE state = 1";

inline constexpr std::string_view count_blocked =
  "SELECT count(*) FROM quire_task INDEXED BY quire_task_blocked WHERE state = 2";

inline constexpr std::string_view count_running =
  "SELECT count(*) FROM quire_task INDEXED BY quire_task_running WHERE state = 3";

// The index holds the state, too.
inline constexpr std::string_view count_due = R"(
  SELECT count(*), ifnull(sum(state = 4), 0)
  FROM quire_task INDEXED BY quire_task_due
  WHERE state IN (4, 5))";

// In the order of their states, from 10.
inline constexpr std::string_view count_ended =
  "SELECT completed, partial, failed, cancelled, skipped FROM quire_commit WHERE id = 1";

inline constexpr std::string_view claim_candidates = R"(
  SELECT id, ord, epoch, attempt, attempts_max, crashes = 0 AND crashes_max <> 1, end_by,
         expires_at IS NOT end_by, subtasks_open IS NOT NULL
  FROM quire_task INDEXED BY quire_task_ready
  WHERE state = 1 AND lane = ?1 AND (expires_at IS NULL OR expires_at > ?3)
  ORDER BY ord, id
  LIMIT ?2)";

#define QUIRE_CLAIM                                                                               \
  " UPDATE quire_task"                                                                            \
  " SET state = 3, attempt = attempt + 1, epoch = epoch + 1, boot = ?2, claimed_at = ?3,"         \
  "     started_at = ifnull(started_at, ?3), expires_at = end_by "

#define QUIRE_CLAIMED                                                                             \
  " b.payload, b.timeout_ms, b.retry_base_ms, b.retry_factor, b.retry_cap_ms, b.retry_jitter,"    \
  " b.heartbeat_ms "

// Two statements are 3.4 times faster than UPDATE ... RETURNING for one claim.
inline constexpr std::string_view claim = QUIRE_CLAIM "WHERE id = ?1 AND state = 1";

inline constexpr std::string_view claimed =
  "SELECT 0," QUIRE_CLAIMED "FROM quire_task_body b WHERE b.id = ?1";

// The same for many; the first column of what was claimed is the place in the list. Without the
// signs before `state`, here and below, statistics of a quiet moment would make SQLite scan the
// partial index of that state instead of looking the ids up.
inline constexpr std::string_view claim_many =
  QUIRE_CLAIM "WHERE id IN (SELECT value FROM json_each(?1)) AND +state = 1";

inline constexpr std::string_view claimed_many =
  "SELECT list.key," QUIRE_CLAIMED
  "FROM json_each(?1) list CROSS JOIN quire_task_body b ON b.id = list.value";

#undef QUIRE_CLAIM
#undef QUIRE_CLAIMED

inline constexpr std::string_view task_row = R"(
  SELECT state, epoch, attempt, attempts_max, crashes, crashes_max, cancel_req, claimed_at,
         gate, stage_id, unique_key IS NOT NULL, end_by, parent_id, subtasks_open,
         boot
  FROM quire_task
  WHERE id = ?1)";

inline constexpr std::string_view end_attempt = R"(
  UPDATE quire_task
  SET state = ?3, attempt = ?4, crashes = ?5, run_at = ifnull(?6, run_at), finished_at = ?7,
      error_class = ifnull(?8, error_class), boot = iif(?3 >= 10, boot, NULL),
      snoozes = snoozes + ?9
  WHERE id = ?1 AND state = 3 AND epoch = ?2)";

// It is the first attempt, and nobody but the task itself is concerned.
#define QUIRE_ENDS_ALONE                                                                          \
  " +state = 3 AND epoch = 1 AND gate IS NULL AND stage_id IS NULL AND unique_key IS NULL"        \
  " AND parent_id IS NULL "

inline constexpr std::string_view complete_at_once =
  "UPDATE quire_task SET state = 10, finished_at = ?2, error_class = ?3 "
  "WHERE id = ?1 AND" QUIRE_ENDS_ALONE;

// Places in the list: UPDATE ... RETURNING is slower than this and the next one.
inline constexpr std::string_view ending_alone =
  "SELECT list.key FROM json_each(?1) list CROSS JOIN quire_task t ON t.id = list.value "
  "WHERE" QUIRE_ENDS_ALONE;

inline constexpr std::string_view complete_many =
  "UPDATE quire_task SET state = 10, finished_at = ?2, error_class = 0 "
  "WHERE id IN (SELECT value FROM json_each(?1)) AND +state = 3";

#undef QUIRE_ENDS_ALONE

inline constexpr std::string_view drop_result = "DELETE FROM quire_task_result WHERE id = ?1";

inline constexpr std::string_view key_holder = R"(
  SELECT k.task_id, ifnull(t.state, 10), k.until
  FROM quire_task_key k
    LEFT JOIN quire_task t ON t.id = k.task_id
  WHERE k.kind = ?1 AND k.key = ?2)";

inline constexpr std::string_view leave_key =
  "DELETE FROM quire_task_key WHERE task_id = ?1 AND until <= ?2";

inline constexpr std::string_view forget_keys = R"(
  DELETE FROM quire_task_key
  WHERE (kind, key) IN (
    SELECT k.kind, k.key
    FROM quire_task_key k INDEXED BY quire_task_key_until
    WHERE k.until > 0 AND k.until <= ?1
      AND NOT EXISTS (SELECT 1 FROM quire_task t WHERE t.id = k.task_id AND t.state < 10)
    ORDER BY k.until
    LIMIT ?2))";

inline constexpr std::string_view first_blocked = R"(
  SELECT id
  FROM quire_task INDEXED BY quire_task_blocked
  WHERE state = 2 AND gate = ?1
  ORDER BY ord, id
  LIMIT 1)";

inline constexpr std::string_view take_place =
  "UPDATE quire_gate SET used = used + 1 WHERE gate = ?1 AND used < capacity";

inline constexpr std::string_view give_place =
  "UPDATE quire_gate SET used = used - 1 WHERE gate = ?1";

inline constexpr std::string_view due_tasks = R"(
  SELECT id, gate
  FROM quire_task INDEXED BY quire_task_due
  WHERE state IN (4, 5) AND run_at <= ?1
  ORDER BY run_at, id
  LIMIT ?2)";

inline constexpr std::string_view next_due_time = R"(
  SELECT run_at
  FROM quire_task INDEXED BY quire_task_due
  WHERE state IN (4, 5)
  ORDER BY run_at
  LIMIT 1)";

inline constexpr std::string_view expired_tasks = R"(
  SELECT id, end_by <= ?1
  FROM quire_task INDEXED BY quire_task_expiring
  WHERE expires_at IS NOT NULL AND state IN (1, 2, 4, 5) AND expires_at <= ?1
  ORDER BY expires_at, id
  LIMIT ?2)";

inline constexpr std::string_view next_expiry = R"(
  SELECT expires_at
  FROM quire_task INDEXED BY quire_task_expiring
  WHERE expires_at IS NOT NULL AND state IN (1, 2, 4, 5)
  ORDER BY expires_at
  LIMIT 1)";

inline constexpr std::string_view runs_under_claim =
  "SELECT 1 FROM quire_task WHERE id = ?1 AND state = 3 AND epoch = ?2";

inline constexpr std::string_view cancel_requests = R"(
  SELECT id, epoch
  FROM quire_task INDEXED BY quire_task_running
  WHERE state = 3 AND cancel_req = 1
  ORDER BY id)";

inline constexpr std::string_view running_claims = R"(
  SELECT id, epoch
  FROM quire_task INDEXED BY quire_task_running
  WHERE state = 3 AND boot = ?1
  ORDER BY id)";

// A task of a dead boot that goes back to `ready` keeps the place in its gate.
inline constexpr std::string_view record_dead_attempts = R"(
  INSERT INTO quire_task_attempt(task_id, epoch, attempt, started_at, ended_at, outcome, error,
                                 error_class, boot)
  SELECT id, epoch, attempt, claimed_at, ?2, 'crashed', 'its process died while it ran', 7, boot
  FROM quire_task INDEXED BY quire_task_running
  WHERE state = 3 AND ifnull(boot, 0) < ?1 AND ifnull(subtasks_open, 0) = 0
    AND cancel_req = 0 AND (crashes_max = 0 OR crashes + 1 < crashes_max))";

inline constexpr std::string_view requeue_dead_boots = R"(
  UPDATE quire_task INDEXED BY quire_task_running
  SET state = 1, attempt = attempt - 1, crashes = crashes + 1, boot = NULL
  WHERE state = 3 AND ifnull(boot, 0) < ?1 AND ifnull(subtasks_open, 0) = 0
    AND cancel_req = 0 AND (crashes_max = 0 OR crashes + 1 < crashes_max))";

inline constexpr std::string_view rest_of_dead_boots = R"(
  SELECT id, epoch
  FROM quire_task INDEXED BY quire_task_running
  WHERE state = 3 AND ifnull(boot, 0) < ?1
  ORDER BY id)";

inline constexpr std::string_view recovered_by_run = R"(
  SELECT s.run_id, count(*)
  FROM quire_task t INDEXED BY quire_task_running
    CROSS JOIN quire_stage s ON s.id = t.stage_id
  WHERE t.state = 3 AND ifnull(t.boot, 0) < ?1
    AND t.cancel_req = 0 AND (t.crashes_max = 0 OR t.crashes + 1 < t.crashes_max)
  GROUP BY s.run_id)";

inline constexpr std::string_view stuck_tasks = R"(
  SELECT t.id, t.epoch, min(b.retry_base_ms, b.retry_cap_ms)
  FROM quire_task t INDEXED BY quire_task_running
    CROSS JOIN quire_task_body b ON b.id = t.id
  WHERE t.state = 3 AND t.claimed_at < ?1
    AND (b.timeout_ms = 0 OR t.claimed_at + b.timeout_ms + ?3 < ?2)
  ORDER BY t.claimed_at, t.id
  LIMIT ?4)";

// Families stay as long as any of them is open, or ended later.
inline constexpr std::string_view ended_tasks = R"(
  SELECT t.id, t.gate, t.state
  FROM quire_task t INDEXED BY quire_task_ended
  WHERE t.state >= 10 AND t.stage_id IS NULL AND t.parent_id IS NULL AND t.finished_at < ?1
    AND (t.subtasks_open IS NULL OR NOT EXISTS (
      WITH RECURSIVE family(id, kept) AS (
        SELECT c.id, c.state < 10 OR c.finished_at >= ?1
        FROM quire_task c INDEXED BY quire_task_parent
        WHERE c.parent_id = t.id
        UNION ALL
        SELECT c.id, c.state < 10 OR c.finished_at >= ?1
        FROM family
          CROSS JOIN quire_task c INDEXED BY quire_task_parent ON c.parent_id = family.id)
      SELECT 1 FROM family WHERE kept))
  ORDER BY t.finished_at, t.id
  LIMIT ?2)";

inline constexpr std::string_view subtasks_of = R"(
  SELECT id
  FROM quire_task INDEXED BY quire_task_parent
  WHERE parent_id = ?1
  ORDER BY id)";

inline constexpr std::string_view count_subtasks = R"(
  SELECT state, count(*)
  FROM quire_task INDEXED BY quire_task_parent
  WHERE parent_id = ?1
  GROUP BY state)";

inline constexpr std::string_view tasks_of_run = R"(
  SELECT t.id, t.gate, t.state
  FROM quire_stage s
    CROSS JOIN quire_task t INDEXED BY quire_task_stage ON t.stage_id = s.id
  WHERE s.run_id = ?1
  LIMIT ?2)";

inline constexpr std::string_view open_tasks_of_stage = R"(
  SELECT id
  FROM quire_task INDEXED BY quire_task_stage
  WHERE stage_id = ?1 AND state < 10
  ORDER BY state = 2 DESC, id)";

inline constexpr std::string_view any_task_of_items = R"(
  SELECT 1
  FROM quire_task INDEXED BY quire_task_stage
  WHERE stage_id = ?1 AND item >= ?2 AND item < ?3
  LIMIT 1)";

inline constexpr std::string_view tasks_of_stage = R"(
  SELECT id
  FROM quire_task INDEXED BY quire_task_stage
  WHERE stage_id = ?1
  ORDER BY state = 2 DESC, id
  LIMIT ?2)";

inline constexpr std::string_view next_stage_with_tasks = R"(
  SELECT stage_id
  FROM quire_task INDEXED BY quire_task_stage
  WHERE stage_id > ?1
  ORDER BY stage_id
  LIMIT 1)";

inline constexpr std::string_view ended_run = R"(
  SELECT id
  FROM quire_run INDEXED BY quire_run_ended
  WHERE state >= 10 AND finished_at < ?1
  ORDER BY finished_at, id
  LIMIT 1)";

} // namespace quire::storage::task_sql
