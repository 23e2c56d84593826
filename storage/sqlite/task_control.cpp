#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/subtasks.hpp"
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
      finished_at = NULL, snoozes = 0, expires_at = ?2, end_by = ?3, boot = NULL
  WHERE id = ?1)";

// For its subtasks; its time begins when they have ended, and not later than that.
constexpr std::string_view wait_again_sql = R"(
  UPDATE quire_task
  SET state = 0, attempt = 0, crashes = 0, cancel_req = 0, cancel_reason = NULL, error_class = 0,
      finished_at = NULL, snoozes = 0, expires_at = NULL, end_by = NULL, run_at = created_at,
      boot = NULL
  WHERE id = ?1)";

constexpr std::string_view has_payload_sql =
  "SELECT EXISTS(SELECT 1 FROM quire_task_body WHERE id = ?1)";

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

[[noreturn]] void refuse(task_id task, task_state state, const char* advice) {
  throw error(errc::conflict, "task " + std::to_string(task.value) + " is "
                                + std::string{to_string(state)} + "; nothing was changed; "
                                + advice);
}

/// Started again without one, a task would keep every other of its kind from being claimed.
void require_payload(snapshot& db, task_id task, task_state state) {
  if (db.query_scalar<std::int64_t>(has_payload_sql, task.value) == 0)
    refuse(task, state,
           "its payload is gone from the table quire_task_body (quire doctor says what else is "
           "wrong): it cannot start again; submit it again with a payload");
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
  require_payload(tx, task, row.state);
  if (row.has_subtasks)
    require_no_cancel_under_way(tx, task);
  if (row.has_key)
    take_key_again(tx, task, now_ms);
  if (row.stage)
    reopen_stage(tx, *row.stage, row.state, now_ms);
  if (row.parent)
    count_reopened_subtask(tx, *row.parent);
  tx.execute(task_sql::drop_result, task.value);
  if (row.has_subtasks && retry_subtasks(tx, task, now_ms)) {
    tx.execute(wait_again_sql, task.value);
    tx.count_end(row.state, -1);
    return task_state::created;
  }
  // It has all its time again.
  auto limits = limits_of(tx, task, now_ms);
  tx.execute(restart_task_sql, task.value, limits.expires_at_ms, limits.end_by_ms);
  if (limits.expires_at_ms)
    tx.announce({event::topic::task_ready, *limits.expires_at_ms});
  auto state = place_task(tx, task, row.gate);
  tx.count_end(row.state, -1);
  return state;
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
