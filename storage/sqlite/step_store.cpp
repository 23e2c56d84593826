#include "quire/storage/sqlite/step_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/task_sql.hpp"

namespace quire::storage {

namespace {

constexpr std::string_view find_sql =
  "SELECT value FROM quire_task_step WHERE task_id = ?1 AND name = ?2";

constexpr std::string_view last_step_sql =
  "SELECT ifnull(max(seq), 0) FROM quire_task_step WHERE task_id = ?1";

constexpr std::string_view keep_sql =
  "INSERT INTO quire_task_step(task_id, name, seq, epoch, at, bytes, value) "
  "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";

constexpr std::string_view list_sql =
  "SELECT name, at, epoch, bytes FROM quire_task_step WHERE task_id = ?1 ORDER BY seq";

std::string named(const std::string& step, task_id task) {
  return "the step '" + step + "' of task " + std::to_string(task.value);
}

void require_claim(transaction& tx, task_id task, std::int64_t epoch, const std::string& name) {
  auto stmt = tx.prepare(task_sql::runs_under_claim);
  if (!stmt->bind(task.value, epoch).step())
    throw error(errc::conflict,
                named(name, task) + " was not kept: the claim of its attempt was taken away");
}

} // namespace

std::optional<std::string> find_step(snapshot& db, task_id task, const std::string& name) {
  return db.query_optional<std::string>(find_sql, task.value, name);
}

std::string keep_step(transaction& tx, task_id task, std::int64_t epoch, const std::string& name,
                      const std::function<std::string(transaction&)>& work, std::int64_t now_ms) {
  if (name.empty() || name.size() > step_name_max)
    throw error(errc::invalid_argument, "the name of a step has 1 to "
                                          + std::to_string(step_name_max) + " bytes, not "
                                          + std::to_string(name.size()));
  require_claim(tx, task, epoch, name);
  if (find_step(tx, task, name))
    throw error(errc::conflict, named(name, task) + " is done already");
  auto last = tx.query_scalar<std::int64_t>(last_step_sql, task.value);
  if (last >= steps_max)
    throw error(errc::invalid_argument, named(name, task) + " was not kept: a task has "
                                          + std::to_string(steps_max) + " steps at most");
  auto value = work(tx);
  if (value.size() > step_value_max)
    throw error(errc::invalid_argument, named(name, task) + " was not kept: it returned "
                                          + std::to_string(value.size()) + " bytes of "
                                          + std::to_string(step_value_max) + " at most");
  tx.execute(keep_sql, task.value, name, last + 1, epoch, now_ms,
             static_cast<std::int64_t>(value.size()), value);
  return value;
}

std::vector<step_record> steps_of(snapshot& db, task_id task) {
  return db.query_as<step_record>(list_sql, task.value);
}

} // namespace quire::storage
