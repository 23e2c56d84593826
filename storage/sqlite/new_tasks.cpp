#include "quire/storage/sqlite/new_tasks.hpp"

#include "quire/storage/error.hpp"

#include <string>
#include <string_view>

namespace quire::storage {

namespace {

constexpr std::string_view insert_task_sql = R"(
  INSERT INTO quire_task(lane, state, priority, ord, run_at, attempts_max, crashes_max, gate,
                         unique_key, stage_id, item, created_at, expires_at, end_by, parent_id,
                         subtasks_open)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16))";

constexpr std::string_view unless_there =
  " ON CONFLICT(stage_id, item) WHERE stage_id IS NOT NULL DO NOTHING";

constexpr std::string_view insert_body_sql = R"(
  INSERT INTO quire_task_body(id, payload, timeout_ms, retry_base_ms, retry_factor, retry_cap_ms,
                              retry_jitter, gate_capacity, start_ms, end_ms, heartbeat_ms,
                              head_start_min)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12))";

constexpr std::string_view replace_body_sql = R"(
  UPDATE quire_task_body
  SET payload = ?2, timeout_ms = ?3, retry_base_ms = ?4, retry_factor = ?5, retry_cap_ms = ?6,
      retry_jitter = ?7, gate_capacity = ?8, start_ms = ?9, end_ms = ?10, heartbeat_ms = ?11,
      head_start_min = ?12
  WHERE id = ?1)";

/// Returns the insert `sql` of one row with numbered parameters as one of `rows` rows.
std::string with_rows(std::string_view sql, std::size_t rows) {
  auto values = sql.rfind('(');
  std::string row = "(?";
  for (char c : sql.substr(values))
    row += c == ',' ? ", ?" : "";
  row += ")";
  std::string result{sql.substr(0, values)};
  for (std::size_t i = 0; i < rows; ++i)
    result += (i > 0 ? ", " : "") + row;
  return result;
}

/// The statements that insert so many tasks: a table with many indexes costs more to open than
/// a row to insert.
struct insert_statements {
  explicit insert_statements(std::size_t count)
    : rows(count), task(with_rows(insert_task_sql, count)),
      body(with_rows(insert_body_sql, count)) {}

  std::size_t rows;
  std::string task;
  std::string body;
};

void bind_task(statement& stmt, std::size_t row, const new_task& task, std::int64_t now_ms) {
  auto& [spec, owner, lane, state, ord, run_at_ms, limits, subtasks_open] = task;
  stmt.bind_borrowed_row(row, lane, static_cast<int>(state), static_cast<int>(spec->priority), ord,
                         run_at_ms, spec->retry.attempts_max, spec->crashes_max,
                         if_any(spec->gate), if_any(spec->unique.key), owner.stage, owner.item,
                         now_ms, limits.expires_at_ms, limits.end_by_ms, owner.parent,
                         subtasks_open);
}

void bind_body(statement& stmt, std::size_t row, task_id task, const task_spec& spec) {
  stmt.bind_borrowed_row(row, task.value, spec.payload, std::int64_t{spec.timeout.count()},
                         std::int64_t{spec.retry.base.count()}, spec.retry.factor,
                         std::int64_t{spec.retry.cap.count()}, spec.retry.jitter,
                         spec.gate_capacity, std::int64_t{spec.start_within.count()},
                         std::int64_t{spec.end_within.count()},
                         std::int64_t{spec.heartbeat.count()},
                         std::int64_t{spec.head_start.count()});
}

void write_body(transaction& tx, std::string_view sql, task_id task, const task_spec& spec) {
  auto stmt = tx.prepare(sql);
  bind_body(*stmt, 0, task, spec);
  stmt->run();
}

/// Inserts as many of `tasks` as there are rows in `sql`.
/// @returns the first of them; the others follow it.
task_id insert_rows(transaction& tx, const insert_statements& sql, std::span<const new_task> tasks,
                    std::int64_t now_ms) {
  {
    auto stmt = tx.prepare(sql.task);
    for (std::size_t i = 0; i < sql.rows; ++i)
      bind_task(*stmt, i, tasks[i], now_ms);
    stmt->run();
    if (tx.changes() != static_cast<std::int64_t>(sql.rows))
      throw error(errc::conflict, "a trigger on quire_task kept a task from being created; nothing "
                                  "was changed; remove the trigger, which is not Quire's");
  }
  // No other statement can have come between them.
  auto first = tx.last_insert_rowid() - static_cast<std::int64_t>(sql.rows) + 1;
  auto stmt = tx.prepare(sql.body);
  for (std::size_t i = 0; i < sql.rows; ++i)
    bind_body(*stmt, i, task_id{first + static_cast<std::int64_t>(i)}, *tasks[i].spec);
  stmt->run();
  return task_id{first};
}

} // namespace

std::optional<task_id> insert_task(transaction& tx, const new_task& task, std::int64_t now_ms) {
  static const auto sql = std::string{insert_task_sql}.append(unless_there);
  {
    auto before = tx.total_changes();
    auto stmt = tx.prepare(sql);
    bind_task(*stmt, 0, task, now_ms);
    stmt->run();
    if (tx.total_changes() == before)
      return std::nullopt;
  }
  task_id id{tx.last_insert_rowid()};
  write_body(tx, insert_body_sql, id, *task.spec);
  return id;
}

void insert_tasks(transaction& tx, std::span<const new_task> tasks, std::int64_t now_ms,
                  const std::function<void(task_id)>& inserted) {
  static const insert_statements sizes[] = {insert_statements{32}, insert_statements{8},
                                            insert_statements{1}};
  for (auto& sql : sizes)
    for (; tasks.size() >= sql.rows; tasks = tasks.subspan(sql.rows)) {
      auto id = insert_rows(tx, sql, tasks, now_ms);
      for (std::size_t i = 0; i < sql.rows; ++i, ++id.value)
        inserted(id);
    }
}

void replace_body(transaction& tx, task_id task, const task_spec& spec) {
  write_body(tx, replace_body_sql, task, spec);
}

} // namespace quire::storage
