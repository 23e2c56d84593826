#include "quire/storage/result_files.hpp"
#include "quire/storage/sqlite/task_filter_sql.hpp"
#include "quire/storage/sqlite/step_store.hpp"
#include "quire/storage/sqlite/task_progress.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <tuple>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view texts_sql = R"(
  SELECT b.payload, ifnull(r.output, ''), ifnull(r.detail, ''), ifnull(r.file, ''), b.head_start_min
  FROM quire_task_body b
    LEFT JOIN quire_task_result r ON r.id = b.id
  WHERE b.id = ?1)";

// A success has no row of its own unless it had something to say.
constexpr std::string_view attempts_sql = R"(
  SELECT attempt, epoch, started_at, ended_at, outcome, error, error_class, ifnull(boot, 0)
  FROM quire_task_attempt
  WHERE task_id = ?1
  UNION ALL
  SELECT attempt, epoch, claimed_at, finished_at, 'completed', '', 0, ifnull(boot, 0)
  FROM quire_task t
  WHERE id = ?1 AND state = 10
    AND NOT EXISTS (SELECT 1 FROM quire_task_attempt a WHERE a.task_id = t.id AND a.epoch = t.epoch)
  ORDER BY 2)";

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
  task.tenant = row.text(25);
  task.parent = task_id{row.int64(26)};
  task.subtasks = row.int64(27);
  task.subtasks_open = row.int64(28);
  return task;
}

} // namespace

std::vector<task_record> list_tasks(snapshot& db, const task_filter& filter) {
  auto stmt = db.prepare(filter.run      ? task_sql::list_tasks_of_run
                         : filter.parent ? task_sql::list_subtasks
                                         : task_sql::list_tasks);
  task_sql::bind_filter(*stmt, filter, filter.limit.value_or(-1));
  std::vector<task_record> tasks;
  while (stmt->step())
    tasks.push_back(read_task(*stmt));
  return tasks;
}

std::optional<task_record> find_task_record(snapshot& db, task_id task) {
  auto stmt = db.prepare(task_sql::find_task);
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
      details.head_start = std::chrono::minutes{stmt->int64(4)};
      if (auto name = stmt->text(3); !name.empty()) {
        result_files files(db.database_path());
        details.output = files.read(name).value_or("");
        details.output_file = files.path_of(name);
      }
    }
  }
  details.attempts = attempts_of(db, task);
  details.log = log_of(db, task);
  details.steps = steps_of(db, task);
  return details;
}

std::vector<attempt_record> attempts_of(snapshot& db, task_id task) {
  auto stmt = db.prepare(attempts_sql);
  stmt->bind(task.value);
  std::vector<attempt_record> attempts;
  while (stmt->step())
    attempts.push_back({static_cast<int>(stmt->int64(0)), stmt->int64(1), stmt->int64(2),
                        stmt->int64(3), stmt->text(4), stmt->text(5),
                        static_cast<error_class>(stmt->int64(6)), stmt->int64(7)});
  return attempts;
}

std::vector<std::pair<task_state, std::int64_t>> count_tasks_by_state(snapshot& db) {
  std::vector<std::pair<task_state, std::int64_t>> counts;
  auto add = [&counts](task_state state, std::int64_t tasks) {
    if (tasks > 0)
      counts.emplace_back(state, tasks);
  };
  add(task_state::created, db.query_scalar<std::int64_t>(task_sql::count_created));
  add(task_state::ready, db.query_scalar<std::int64_t>(task_sql::count_ready));
  add(task_state::blocked, db.query_scalar<std::int64_t>(task_sql::count_blocked));
  add(task_state::running, db.query_scalar<std::int64_t>(task_sql::count_running));
  auto [due, scheduled] = db.query_one<std::tuple<std::int64_t, std::int64_t>>(task_sql::count_due);
  add(task_state::scheduled, scheduled);
  add(task_state::retryable, due - scheduled);
  auto stmt = db.prepare(task_sql::count_ended);
  bool known = stmt->step();
  auto column = 0;
  for (auto state : all_task_states())
    if (known && is_terminal(state))
      add(state, stmt->int64(column++) + db.unwritten_ends().of(state));
  return counts;
}

} // namespace quire::storage
