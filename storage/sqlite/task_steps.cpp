#include "quire/storage/sqlite/task_steps.hpp"

#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/subtasks.hpp"
#include "quire/storage/sqlite/task_keys.hpp"
#include "quire/storage/sqlite/task_sql.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

namespace quire::storage {

namespace {

constexpr std::string_view create_gate_sql =
  "INSERT INTO quire_gate(gate, capacity) VALUES(?1, ?2) ON CONFLICT(gate) DO NOTHING";

constexpr std::string_view gate_capacity_sql =
  "SELECT gate_capacity FROM quire_task_body WHERE id = ?1";

constexpr std::string_view set_state_sql = "UPDATE quire_task SET state = ?2 WHERE id = ?1";

constexpr std::string_view request_cancel_sql =
  "UPDATE quire_task SET cancel_req = 1, cancel_reason = ?2 WHERE id = ?1";

constexpr std::string_view cancel_sql = R"(
  UPDATE quire_task
  SET state = 13, finished_at = ?3, error_class = 4, cancel_req = 1, cancel_reason = ?2
  WHERE id = ?1)";

// What is in the history has a fencing number of its own.
constexpr std::string_view end_waiting_sql = R"(
  UPDATE quire_task
  SET state = ?2, finished_at = ?3, error_class = ?4, epoch = epoch + 1
  WHERE id = ?1 AND state NOT IN (0, 3) AND state < 10)";

constexpr std::string_view record_end_sql = R"(
  INSERT INTO quire_task_attempt(task_id, epoch, attempt, started_at, ended_at, outcome, error,
                                 error_class)
  VALUES(?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7))";

// Not left to foreign keys: whether they are enforced is the application's choice.
constexpr std::array<std::string_view, 7> delete_task_sqls{
  "DELETE FROM quire_task_attempt WHERE task_id = ?1", task_sql::drop_result,
  "DELETE FROM quire_task_progress WHERE id = ?1", "DELETE FROM quire_task_log WHERE task_id = ?1",
  "DELETE FROM quire_task_step WHERE task_id = ?1",
  "DELETE FROM quire_task_body WHERE id = ?1", "DELETE FROM quire_task WHERE id = ?1"};

constexpr std::string_view delete_idle_gate_sql =
  "DELETE FROM quire_gate WHERE gate = ?1 AND used = 0";

void delete_rows(transaction& tx, std::int64_t task) {
  for (auto sql : delete_task_sqls)
    tx.execute(sql, task);
}

} // namespace

std::optional<task_row> read_task_row(snapshot& db, task_id task) {
  auto stmt = db.prepare(task_sql::task_row);
  stmt->bind(task.value);
  if (!stmt->step())
    return std::nullopt;
  task_row row;
  row.state = static_cast<task_state>(stmt->int64(0));
  row.epoch = stmt->int64(1);
  row.attempt = static_cast<int>(stmt->int64(2));
  row.attempts_max = static_cast<int>(stmt->int64(3));
  row.crashes = static_cast<int>(stmt->int64(4));
  row.crashes_max = static_cast<int>(stmt->int64(5));
  row.cancel_requested = stmt->int64(6) != 0;
  row.claimed_at_ms = stmt->int64(7);
  if (!stmt->is_null(8))
    row.gate = stmt->text(8);
  if (!stmt->is_null(9))
    row.stage = stage_id{stmt->int64(9)};
  row.has_key = stmt->int64(10) != 0;
  row.end_by_ms = stmt->optional_int64(11);
  if (!stmt->is_null(12))
    row.parent = task_id{stmt->int64(12)};
  row.has_subtasks = !stmt->is_null(13);
  row.subtasks_open = stmt->int64(13);
  row.boot = stmt->optional_int64(14);
  return row;
}

void announce_ready(transaction& tx) {
  auto now = [](const event& x) { return x.what == event::topic::task_ready && x.ref == 0; };
  if (std::ranges::none_of(tx.events(), now))
    tx.announce({event::topic::task_ready, 0});
}

void create_gate(transaction& tx, std::string_view gate, int capacity) {
  tx.execute(create_gate_sql, gate, capacity);
}

void pump_gate(transaction& tx, std::string_view gate) {
  while (true) {
    std::int64_t next = 0;
    {
      auto stmt = tx.prepare(task_sql::first_blocked);
      stmt->bind(gate);
      if (!stmt->step())
        return;
      next = stmt->int64(0);
    }
    if (tx.execute(task_sql::take_place, gate) == 0)
      return;
    tx.execute(set_state_sql, next, static_cast<int>(task_state::ready));
    announce_ready(tx);
  }
}

void give_place(transaction& tx, const std::optional<std::string>& gate) {
  if (!gate)
    return;
  tx.execute(task_sql::give_place, *gate);
  pump_gate(tx, *gate);
}

void drop_idle_gate(transaction& tx, std::string_view gate) {
  tx.execute(delete_idle_gate_sql, gate);
}

task_state place_task(transaction& tx, task_id task, const std::optional<std::string>& gate) {
  auto state = task_state::ready;
  if (gate) {
    int capacity = 1;
    {
      auto stmt = tx.prepare(gate_capacity_sql);
      if (stmt->bind(task.value).step())
        capacity = static_cast<int>(stmt->int64(0));
    }
    create_gate(tx, *gate, capacity);
    if (tx.execute(task_sql::take_place, *gate) == 0)
      state = task_state::blocked;
  }
  tx.execute(set_state_sql, task.value, static_cast<int>(state));
  if (state == task_state::ready)
    announce_ready(tx);
  return state;
}

void conclude_task(transaction& tx, task_id task, const task_row& was, task_state state,
                   std::int64_t now_ms) {
  tx.count_end(was.state, -1);
  tx.count_end(state, 1);
  if (holds_place(was.state))
    give_place(tx, was.gate);
  if (was.has_key)
    leave_key(tx, task, now_ms);
  tx.announce({event::topic::task_finished, task.value});
  if (was.stage)
    count_ended_task(tx, *was.stage, state, now_ms);
  if (was.parent)
    count_ended_subtask(tx, *was.parent, now_ms);
}

task_state cancel_open_task(transaction& tx, task_id task, const task_row& row,
                            const std::string& reason, std::int64_t now_ms) {
  if (row.state == task_state::running) {
    tx.execute(request_cancel_sql, task.value, reason);
    tx.announce({event::topic::task_cancel, task.value});
    return task_state::running;
  }
  tx.execute(cancel_sql, task.value, reason, now_ms);
  conclude_task(tx, task, row, task_state::cancelled, now_ms);
  // After it, or the last of them would let it go on.
  if (row.state == task_state::created)
    cancel_subtasks(tx, task, reason, now_ms);
  return task_state::cancelled;
}

void end_waiting_task(transaction& tx, task_id task, task_state state, error_class kind,
                      const std::string& why, std::int64_t now_ms) {
  auto row = read_task_row(tx, task);
  if (!row
      || tx.execute(end_waiting_sql, task.value, static_cast<int>(state), now_ms,
                    static_cast<int>(kind))
           == 0)
    return;
  tx.execute(record_end_sql, task.value, row->epoch + 1, row->attempt, now_ms, to_string(state),
             why, static_cast<int>(kind));
  conclude_task(tx, task, *row, state, now_ms);
}

std::int64_t delete_task(transaction& tx, task_id task) {
  auto row = read_task_row(tx, task);
  if (!row)
    return 0;
  delete_rows(tx, task.value);
  tx.count_end(row->state, -1);
  if (row->state == task_state::running)
    tx.announce({event::topic::task_cancel, task.value});
  if (holds_place(row->state))
    give_place(tx, row->gate);
  return 1 + (row->has_subtasks ? delete_subtasks(tx, task) : 0);
}

std::int64_t delete_ended_tasks(transaction& tx, std::string_view sql, std::int64_t key,
                                int limit) {
  struct row {
    std::int64_t id;
    std::optional<std::string> gate;
    task_state state;
  };
  std::vector<row> ended;
  {
    auto stmt = tx.prepare(sql);
    stmt->bind(key, limit);
    while (stmt->step())
      ended.push_back({stmt->int64(0),
                       stmt->is_null(1) ? std::nullopt : std::optional{stmt->text(1)},
                       static_cast<task_state>(stmt->int64(2))});
  }
  std::int64_t deleted = 0;
  std::set<std::string> gates;
  for (auto& [id, gate, state] : ended) {
    if (deleted >= limit)
      break; // Subtasks count, too: those that are left are for the next portion.
    delete_rows(tx, id);
    tx.count_end(state, -1);
    deleted += 1 + delete_subtasks(tx, task_id{id});
    if (gate)
      gates.insert(*gate);
  }
  for (auto& gate : gates)
    drop_idle_gate(tx, gate);
  return deleted;
}

} // namespace quire::storage
