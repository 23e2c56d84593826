#include "quire/storage/sqlite/task_progress.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <utility>

namespace quire::storage {

namespace {

#define QUIRE_TASK_COLUMNS                                                                        \
  "SELECT t.id, l.queue, l.kind, t.state, t.priority, t.attempt, t.attempts_max, t.crashes,"      \
  "  t.epoch, t.cancel_req, ifnull(t.gate, ''), ifnull(s.run_id, 0), ifnull(s.name, ''),"         \
  "  ifnull(t.item, -1), t.created_at, nullif(t.run_at, t.created_at), t.started_at,"             \
  "  t.finished_at, t.error_class, ifnull(t.unique_key, ''),"                                     \
  "  CASE WHEN t.state = 13 AND t.cancel_reason <> '' THEN t.cancel_reason"                       \
  "  ELSE ifnull((SELECT a.error FROM quire_task_attempt a"                                       \
  "               WHERE a.task_id = t.id AND a.error <> ''"                                       \
  "                 AND (a.outcome IN ('failed', 'partial_success', 'cancelled', 'skipped')"      \
  "                      OR (a.outcome = 'crashed' AND t.state = 12))"                            \
  "               ORDER BY a.epoch DESC LIMIT 1), '') END,"                                       \
  "  t.snoozes, iif(t.state < 10, t.expires_at, NULL),"                                           \
  "  iif(t.state = 10, 100, ifnull(p.percent, 0)), ifnull(p.step, '') "

constexpr std::string_view list_sql = QUIRE_TASK_COLUMNS R"(
  FROM quire_task t
    JOIN quire_lane l ON l.id = t.lane
    LEFT JOIN quire_stage s ON s.id = t.stage_id
    LEFT JOIN quire_task_progress p ON p.id = t.id AND p.epoch = t.epoch
  WHERE t.id > ?1 AND (?2 IS NULL OR t.state = ?2) AND (?3 IS NULL OR l.kind = ?3)
    AND (?4 IS NULL OR s.name = ?4)
  ORDER BY t.id
  LIMIT ?5)";

// From the stages of the run, or the list of one run would read all tasks.
constexpr std::string_view list_of_run_sql = QUIRE_TASK_COLUMNS R"(
  FROM quire_stage s
    CROSS JOIN quire_task t INDEXED BY quire_task_stage ON t.stage_id = s.id
    CROSS JOIN quire_lane l ON l.id = t.lane
    LEFT JOIN quire_task_progress p ON p.id = t.id AND p.epoch = t.epoch
  WHERE t.id > ?1 AND (?2 IS NULL OR t.state = ?2) AND (?3 IS NULL OR l.kind = ?3)
    AND (?4 IS NULL OR s.name = ?4) AND s.run_id = ?6
  ORDER BY t.id
  LIMIT ?5)";

constexpr std::string_view find_sql = QUIRE_TASK_COLUMNS R"(
  FROM quire_task t
    JOIN quire_lane l ON l.id = t.lane
    LEFT JOIN quire_stage s ON s.id = t.stage_id
    LEFT JOIN quire_task_progress p ON p.id = t.id AND p.epoch = t.epoch
  WHERE t.id = ?1)";

#undef QUIRE_TASK_COLUMNS

constexpr std::string_view texts_sql = R"(
  SELECT b.payload, ifnull(r.output, ''), ifnull(r.detail, '')
  FROM quire_task_body b
    LEFT JOIN quire_task_result r ON r.id = b.id
  WHERE b.id = ?1)";

// A success has no row of its own unless it had something to say.
constexpr std::string_view attempts_sql = R"(
  SELECT attempt, epoch, started_at, ended_at, outcome, error
  FROM quire_task_attempt
  WHERE task_id = ?1
  UNION ALL
  SELECT attempt, epoch, claimed_at, finished_at, 'completed', ''
  FROM quire_task t
  WHERE id = ?1 AND state = 10
    AND NOT EXISTS (SELECT 1 FROM quire_task_attempt a WHERE a.task_id = t.id AND a.epoch = t.epoch)
  ORDER BY 2)";

constexpr std::string_view count_by_state_sql =
  "SELECT state, count(*) FROM quire_task GROUP BY state ORDER BY state";

task_record read_task(const statement& row) {
  task_record task;
  task.id = task_id{row.int64(0)};
  task.queue = row.text(1);
  task.kind = row.text(2);
  task.state = static_cast<task_state>(row.int64(3));
  task.priority = static_cast<task_priority>(row.int64(4));
  task.attempt = static_cast<int>(row.int64(5));
  task.attempts_max = static_cast<int>(row.int64(6));
  task.crashes = static_cast<int>(row.int64(7));
  task.epoch = row.int64(8);
  task.cancel_requested = row.int64(9) != 0;
  task.gate = row.text(10);
  task.run = run_id{row.int64(11)};
  task.stage = row.text(12);
  task.item = row.int64(13);
  task.created_at_ms = row.int64(14);
  task.run_at_ms = row.optional_int64(15);
  task.started_at_ms = row.optional_int64(16);
  task.finished_at_ms = row.optional_int64(17);
  task.error_kind = static_cast<error_class>(row.int64(18));
  task.unique_key = row.text(19);
  task.error = row.text(20);
  task.snoozes = static_cast<int>(row.int64(21));
  task.expires_at_ms = row.optional_int64(22);
  task.progress = static_cast<int>(row.int64(23));
  task.step = row.text(24);
  return task;
}

} // namespace

std::vector<task_record> list_tasks(snapshot& db, const task_filter& filter) {
  std::optional<std::int64_t> state;
  if (filter.state)
    state = static_cast<std::int64_t>(*filter.state);
  auto limit = filter.limit.value_or(-1);
  auto stmt = db.prepare(filter.run ? list_of_run_sql : list_sql);
  if (filter.run)
    stmt->bind(filter.after.value, state, filter.kind, filter.stage, limit, filter.run->value);
  else
    stmt->bind(filter.after.value, state, filter.kind, filter.stage, limit);
  std::vector<task_record> tasks;
  while (stmt->step())
    tasks.push_back(read_task(*stmt));
  return tasks;
}

std::optional<task_record> find_task_record(snapshot& db, task_id task) {
  auto stmt = db.prepare(find_sql);
  if (!stmt->bind(task.value).step())
    return std::nullopt;
  return read_task(*stmt);
}

std::optional<task_details> find_task(snapshot& db, task_id task) {
  auto record = find_task_record(db, task);
  if (!record)
    return std::nullopt;
  task_details details;
  details.task = std::move(*record);
  {
    auto stmt = db.prepare(texts_sql);
    if (stmt->bind(task.value).step()) {
      details.payload = stmt->text(0);
      details.output = stmt->text(1);
      details.detail = stmt->text(2);
    }
  }
  details.attempts = attempts_of(db, task);
  details.log = log_of(db, task);
  return details;
}

std::vector<attempt_record> attempts_of(snapshot& db, task_id task) {
  auto stmt = db.prepare(attempts_sql);
  stmt->bind(task.value);
  std::vector<attempt_record> attempts;
  while (stmt->step())
    attempts.push_back({static_cast<int>(stmt->int64(0)), stmt->int64(1), stmt->int64(2),
                        stmt->int64(3), stmt->text(4), stmt->text(5)});
  return attempts;
}

std::vector<std::pair<task_state, std::int64_t>> count_tasks_by_state(snapshot& db) {
  std::vector<std::pair<task_state, std::int64_t>> counts;
  auto stmt = db.prepare(count_by_state_sql);
  while (stmt->step())
    counts.emplace_back(static_cast<task_state>(stmt->int64(0)), stmt->int64(1));
  return counts;
}

} // namespace quire::storage
