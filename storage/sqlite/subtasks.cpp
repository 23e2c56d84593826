#include "quire/storage/sqlite/subtasks.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/task_results.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace quire::storage {

namespace {

constexpr std::string_view ended_sql =
  "UPDATE quire_task SET subtasks_open = subtasks_open - 1 WHERE id = ?1";

constexpr std::string_view reopened_sql =
  "UPDATE quire_task SET subtasks_open = subtasks_open + 1 WHERE id = ?1";

// Its time begins when it may start, unless it has begun.
constexpr std::string_view hold_sql = R"(
  UPDATE quire_task
  SET state = 0, expires_at = NULL, end_by = iif(attempt > 0, end_by, NULL)
  WHERE id = ?1)";

constexpr std::string_view may_go_on_sql =
  "SELECT 1 FROM quire_task WHERE id = ?1 AND state = 0 AND subtasks_open = 0";

constexpr std::string_view any_open_sql =
  "SELECT 1 FROM quire_task WHERE id = ?1 AND subtasks_open > 0";

constexpr std::string_view begin_sql =
  "SELECT run_at, gate, attempt > 0, end_by FROM quire_task WHERE id = ?1";

constexpr std::string_view wait_sql = R"(
  UPDATE quire_task SET state = iif(attempt > 0, 5, 4), expires_at = ?2, end_by = ?3 WHERE id = ?1)";

constexpr std::string_view set_limits_sql =
  "UPDATE quire_task SET expires_at = ?2, end_by = ?3 WHERE id = ?1";

constexpr std::string_view results_sql = R"(
  SELECT t.id, l.kind, t.state, ifnull(r.output, ''),
         CASE WHEN t.state = 13 AND t.cancel_reason <> '' THEN t.cancel_reason
              ELSE ifnull((SELECT a.error FROM quire_task_attempt a
                           WHERE a.task_id = t.id AND a.epoch = t.epoch), '') END,
         ifnull(r.file, '')
  FROM quire_task t INDEXED BY quire_task_parent
    CROSS JOIN quire_lane l ON l.id = t.lane
    LEFT JOIN quire_task_result r ON r.id = t.id
  WHERE t.parent_id = ?1
  ORDER BY t.id)";

std::vector<task_id> subtasks_of(snapshot& db, task_id parent) {
  std::vector<task_id> found;
  auto stmt = db.prepare(task_sql::subtasks_of);
  stmt->bind(parent.value);
  while (stmt->step())
    found.push_back(task_id{stmt->int64(0)});
  return found;
}

/// What is missing is missing of this one only.
void read_output(snapshot& db, const std::string& file, subtask_result& of) {
  try {
    of.output = output_in_file(db, of.id, file);
  } catch (const error& failure) {
    if (failure.code() != errc::not_found)
      throw;
    of.error = failure.what();
  }
}

bool holds(snapshot& db, std::string_view sql, task_id task) {
  return db.prepare(sql)->bind(task.value).step();
}

} // namespace

subtask_counts count_subtasks(snapshot& db, task_id parent) {
  subtask_counts counts;
  auto stmt = db.prepare(task_sql::count_subtasks);
  stmt->bind(parent.value);
  while (stmt->step()) {
    auto number = stmt->int64(1);
    switch (static_cast<task_state>(stmt->int64(0))) {
      case task_state::completed: counts.completed = number; break;
      case task_state::partial_success: counts.partial_success = number; break;
      case task_state::failed: counts.failed = number; break;
      case task_state::cancelled: counts.cancelled = number; break;
      case task_state::skipped: counts.skipped = number; break;
      default: break;
    }
  }
  return counts;
}

std::vector<subtask_result> subtask_results(snapshot& db, task_id parent) {
  std::vector<subtask_result> results;
  std::size_t bytes = 0;
  auto stmt = db.prepare(results_sql);
  stmt->bind(parent.value);
  while (stmt->step()) {
    results.push_back({task_id{stmt->int64(0)}, stmt->text(1),
                       static_cast<task_state>(stmt->int64(2)), stmt->text(3), stmt->text(4)});
    auto& one = results.back();
    if (auto file = stmt->text(5); !file.empty())
      read_output(db, file, one);
    bytes += one.output.size();
    if (bytes > snapshot::bytes_limit)
      throw error(errc::too_large, "the outputs of the subtasks of task "
                                     + std::to_string(parent.value)
                                     + " are over 256 MiB together; read them one by one");
  }
  return results;
}

void count_ended_subtask(transaction& tx, task_id parent, std::int64_t now_ms) {
  tx.execute(ended_sql, parent.value);
  if (holds(tx, may_go_on_sql, parent))
    release_task(tx, parent, now_ms);
}

void count_reopened_subtask(transaction& tx, task_id parent) {
  tx.execute(reopened_sql, parent.value);
  auto row = read_task_row(tx, parent);
  bool waits = row && !is_terminal(row->state) && row->state != task_state::running;
  if (!waits || row->state == task_state::created)
    return;
  wait_for_subtasks(tx, parent, *row);
}

void require_no_cancel_under_way(snapshot& db, task_id parent) {
  for (auto task : subtasks_of(db, parent)) {
    auto row = read_task_row(db, task);
    if (row && row->state == task_state::running && row->cancel_requested)
      throw error(errc::conflict, "task " + std::to_string(parent.value) + " has a subtask, "
                                    + std::to_string(task.value)
                                    + ", that is still being cancelled; nothing was changed; try "
                                      "again when it has ended");
    if (row && row->has_subtasks)
      require_no_cancel_under_way(db, task);
  }
}

void wait_for_subtasks(transaction& tx, task_id task, const task_row& was) {
  tx.execute(hold_sql, task.value);
  if (holds_place(was.state))
    give_place(tx, was.gate);
}

void cancel_subtasks(transaction& tx, task_id parent, const std::string& reason,
                     std::int64_t now_ms) {
  for (auto task : subtasks_of(tx, parent))
    if (auto row = read_task_row(tx, task); row && !is_terminal(row->state))
      cancel_open_task(tx, task, *row, reason, now_ms);
}

bool retry_subtasks(transaction& tx, task_id parent, std::int64_t now_ms) {
  for (auto task : subtasks_of(tx, parent)) {
    auto row = read_task_row(tx, task);
    if (row && (row->state == task_state::failed || row->state == task_state::cancelled))
      retry_task(tx, task, now_ms);
  }
  return holds(tx, any_open_sql, parent);
}

std::int64_t delete_subtasks(transaction& tx, task_id parent) {
  std::int64_t deleted = 0;
  for (auto task : subtasks_of(tx, parent)) {
    auto row = read_task_row(tx, task);
    deleted += delete_task(tx, task);
    if (row && row->gate)
      drop_idle_gate(tx, *row->gate);
  }
  return deleted;
}

void release_task(transaction& tx, task_id task, std::int64_t now_ms) {
  std::int64_t run_at_ms = 0;
  std::optional<std::string> gate;
  bool has_begun = false;
  task_limits limits;
  {
    auto stmt = tx.prepare(begin_sql);
    if (!stmt->bind(task.value).step())
      return;
    run_at_ms = stmt->int64(0);
    if (!stmt->is_null(1))
      gate = stmt->text(1);
    has_begun = stmt->int64(2) != 0;
    limits.expires_at_ms = limits.end_by_ms = stmt->optional_int64(3);
  }
  if (!has_begun)
    limits = limits_of(tx, task, std::max(now_ms, run_at_ms));
  tx.execute(run_at_ms > now_ms ? wait_sql : set_limits_sql, task.value, limits.expires_at_ms,
             limits.end_by_ms);
  if (limits.expires_at_ms)
    tx.announce({event::topic::task_ready, *limits.expires_at_ms});
  if (run_at_ms > now_ms)
    tx.announce({event::topic::task_ready, run_at_ms});
  else
    place_task(tx, task, gate);
}

} // namespace quire::storage
