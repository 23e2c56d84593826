#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/task_keys.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view restart_task_sql = R"(
  UPDATE quire_task
  SET attempt = 0, crashes = 0, cancel_req = 0, cancel_reason = NULL, error_class = 0,
      finished_at = NULL, snoozes = 0, expires_at = ?2, end_by = ?3
  WHERE id = ?1)";

constexpr std::string_view limits_sql =
  "SELECT start_ms, end_ms FROM quire_task_body WHERE id = ?1";

constexpr std::string_view drop_result_sql = "DELETE FROM quire_task_result WHERE id = ?1";

task_row existing(snapshot& db, task_id task) {
  auto row = read_task_row(db, task);
  if (!row)
    throw error(errc::not_found, "there is no task " + std::to_string(task.value)
                                   + "; nothing was changed; it may have been deleted after the "
                                     "time that ended tasks are kept");
  return *row;
}

std::vector<task_claim> claims_of(statement& stmt) {
  std::vector<task_claim> claims;
  while (stmt.step())
    claims.push_back({task_id{stmt.int64(0)}, stmt.int64(1)});
  return claims;
}

/// A task that starts again has all its time again.
task_limits limits_again(snapshot& db, task_id task, std::int64_t now_ms) {
  auto stmt = db.prepare(limits_sql);
  if (!stmt->bind(task.value).step())
    return {};
  return limits_from(now_ms, std::chrono::milliseconds{stmt->int64(0)},
                     std::chrono::milliseconds{stmt->int64(1)});
}

[[noreturn]] void refuse(task_id task, task_state state, const char* advice) {
  throw error(errc::conflict, "task " + std::to_string(task.value) + " is "
                                + std::string{to_string(state)} + "; nothing was changed; "
                                + advice);
}

} // namespace

task_state cancel_task(transaction& tx, task_id task, const std::string& reason,
                       std::int64_t now_ms) {
  auto row = existing(tx, task);
  if (is_terminal(row.state))
    refuse(task, row.state, "a task that has ended cannot be cancelled");
  return cancel_open_task(tx, task, row, reason, now_ms);
}

task_state retry_task(transaction& tx, task_id task, std::int64_t now_ms) {
  auto row = existing(tx, task);
  if (!is_terminal(row.state))
    refuse(task, row.state, "only a task that has ended can start again");
  if (row.state == task_state::completed || row.state == task_state::skipped)
    refuse(task, row.state,
           "only tasks that failed, were cancelled or ended in partial_success can start again");
  if (row.has_key)
    take_key_again(tx, task, now_ms);
  if (row.stage)
    reopen_stage(tx, *row.stage, row.state, now_ms);
  auto limits = limits_again(tx, task, now_ms);
  tx.execute(restart_task_sql, task.value, limits.expires_at_ms, limits.end_by_ms);
  if (limits.expires_at_ms)
    tx.announce({event::topic::task_ready, *limits.expires_at_ms});
  tx.execute(drop_result_sql, task.value);
  return place_task(tx, task, row.gate);
}

std::vector<task_claim> cancel_requests(snapshot& db) {
  auto stmt = db.prepare(task_sql::cancel_requests);
  stmt->bind();
  return claims_of(*stmt);
}

std::vector<task_claim> running_claims(snapshot& db, std::int64_t boot) {
  auto stmt = db.prepare(task_sql::running_claims);
  stmt->bind(boot);
  return claims_of(*stmt);
}

} // namespace quire::storage
