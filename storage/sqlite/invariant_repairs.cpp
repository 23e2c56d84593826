#include "quire/storage/sqlite/invariant_repairs.hpp"

#include "quire/storage/sqlite/invariant_sql.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/stage_steps.hpp"
#include "quire/storage/sqlite/subtasks.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <string>
#include <vector>

namespace quire::storage::repairs {

namespace {

namespace sql = invariant_sql;

constexpr std::string_view restore_boot_sql = R"(
  INSERT INTO quire_meta(key, value)
  SELECT 'boot', max(ifnull((SELECT max(boot) FROM quire_run), 0),
                     ifnull((SELECT max(boot) FROM quire_task), 0),
                     ifnull((SELECT max(boot) FROM quire_task_attempt), 0))
  WHERE true
  ON CONFLICT(key) DO UPDATE
  SET value = excluded.value
  WHERE typeof(value) <> 'integer' OR value < excluded.value)";

constexpr std::string_view draw_public_key_sql = R"(
  INSERT INTO quire_meta(key, value) VALUES('public_key', random())
  ON CONFLICT(key) DO UPDATE SET value = excluded.value WHERE typeof(value) <> 'integer')";

constexpr std::string_view raise_epoch_sql = R"(
  UPDATE quire_task
  SET epoch = (state = 3)
    + max(epoch, attempt,
          ifnull((SELECT max(epoch) FROM quire_task_attempt WHERE task_id = ?1), 0),
          ifnull((SELECT max(epoch) FROM quire_task_step WHERE task_id = ?1), 0),
          ifnull((SELECT epoch FROM quire_task_result WHERE id = ?1), 0))
  WHERE id = ?1)";

constexpr std::string_view end_tasks_sql = R"(
  UPDATE quire_task
  SET finished_at = iif(state >= 10, ?1, NULL)
  WHERE (state >= 10) <> (finished_at IS NOT NULL))";
constexpr std::string_view end_stages_sql = R"(
  UPDATE quire_stage
  SET finished_at = iif(state >= 10, ?1, NULL)
  WHERE (state >= 10) <> (finished_at IS NOT NULL))";
constexpr std::string_view end_runs_sql = R"(
  UPDATE quire_run
  SET finished_at = iif(state >= 10, ?1, NULL)
  WHERE (state >= 10) <> (finished_at IS NOT NULL))";

constexpr std::string_view claim_times_sql = R"(
  UPDATE quire_task
  SET claimed_at = coalesce(claimed_at, started_at, created_at),
      started_at = coalesce(started_at, claimed_at, created_at)
  WHERE state = 3 AND (claimed_at IS NULL OR started_at IS NULL))";

constexpr std::string_view forget_boots_sql =
  "UPDATE quire_task SET boot = NULL WHERE state <> 3 AND state < 10 AND boot IS NOT NULL";

constexpr std::string_view delete_keys_sql = R"(
  DELETE FROM quire_task_key
  WHERE until = 0 AND task_id NOT IN (SELECT id FROM quire_task WHERE state < 10))";

constexpr std::string_view delete_attempts_sql =
  "DELETE FROM quire_task_attempt WHERE task_id NOT IN (SELECT id FROM quire_task)";

constexpr std::string_view delete_progress_sql =
  "DELETE FROM quire_task_progress WHERE id NOT IN (SELECT id FROM quire_task)";

constexpr std::string_view delete_lines_sql =
  "DELETE FROM quire_task_log WHERE task_id NOT IN (SELECT id FROM quire_task)";

constexpr std::string_view delete_steps_sql =
  "DELETE FROM quire_task_step WHERE task_id NOT IN (SELECT id FROM quire_task)";

constexpr std::string_view forget_breakers_sql = R"(
  UPDATE quire_kind
  SET breaker = NULL
  WHERE breaker IS NOT NULL AND breaker NOT IN (SELECT name FROM quire_breaker))";

constexpr std::string_view count_subtasks_sql = R"(
  UPDATE quire_task
  SET subtasks_open = (SELECT sum(s.state < 10) FROM quire_task s WHERE s.parent_id = ?1)
  WHERE id = ?1)";

constexpr std::string_view waits_for_nothing_sql =
  "SELECT 1 FROM quire_task WHERE id = ?1 AND state = 0 AND ifnull(subtasks_open, 0) = 0";

constexpr std::string_view adopt_subtasks_sql = R"(
  UPDATE quire_task
  SET parent_id = NULL
  WHERE parent_id IS NOT NULL AND parent_id NOT IN (SELECT id FROM quire_task))";

// The capacity is that of the oldest task: it would have made the gate.
constexpr std::string_view missing_gates_sql = R"(
  SELECT t.gate, ifnull(b.gate_capacity, 1), min(t.id)
  FROM quire_task t
    LEFT JOIN quire_task_body b ON b.id = t.id
  WHERE t.state IN (1, 2, 3) AND t.gate IS NOT NULL
    AND t.gate NOT IN (SELECT gate FROM quire_gate)
  GROUP BY t.gate)";

constexpr std::string_view count_places_sql = R"(
  UPDATE quire_gate
  SET used = counted.places
  FROM (SELECT g.gate, count(t.id) AS places
        FROM quire_gate g LEFT JOIN quire_task t ON t.gate = g.gate AND t.state IN (1, 3)
        GROUP BY g.gate) counted
  WHERE counted.gate = quire_gate.gate AND used <> counted.places)";

constexpr std::string_view free_ungated_sql =
  "UPDATE quire_task SET state = 1 WHERE state = 2 AND gate IS NULL";

constexpr std::string_view crowded_gates_sql =
  "SELECT DISTINCT gate FROM quire_task WHERE state = 2";

constexpr std::string_view recount_tasks_sql = R"(
  UPDATE quire_commit
  SET completed = counted.completed, partial = counted.partial, failed = counted.failed,
      cancelled = counted.cancelled, skipped = counted.skipped
  FROM (SELECT ifnull(sum(state = 10), 0) AS completed, ifnull(sum(state = 11), 0) AS partial,
               ifnull(sum(state = 12), 0) AS failed, ifnull(sum(state = 13), 0) AS cancelled,
               ifnull(sum(state = 14), 0) AS skipped
        FROM quire_task) counted
  WHERE (quire_commit.completed, quire_commit.partial, quire_commit.failed,
         quire_commit.cancelled, quire_commit.skipped)
    <> (counted.completed, counted.partial, counted.failed, counted.cancelled, counted.skipped))";

constexpr std::string_view recount_stage_sql = R"(
  UPDATE quire_stage
  SET total = counted.total, completed = counted.completed, partial = counted.partial,
      failed = counted.failed, cancelled = counted.cancelled, skipped = counted.skipped
  FROM (SELECT count(*) AS total, ifnull(sum(state = 10), 0) AS completed,
               ifnull(sum(state = 11), 0) AS partial, ifnull(sum(state = 12), 0) AS failed,
               ifnull(sum(state = 13), 0) AS cancelled, ifnull(sum(state = 14), 0) AS skipped
        FROM quire_task WHERE stage_id = ?1) counted
  WHERE id = ?1)";

// As another incarnation: who creates tasks for the present one may be wrong about it, too.
constexpr std::string_view reopen_fan_out_sql = R"(
  UPDATE quire_stage
  SET state = iif(state = 0, 0, 1), sealed = 0, generation = generation + 1
  WHERE id = ?1)";

constexpr std::string_view fanning_sql = "SELECT 1 FROM quire_stage WHERE id = ?1 AND state = 1";

constexpr std::string_view delete_edges_sql = R"(
  DELETE FROM quire_edge
  WHERE source NOT IN (SELECT id FROM quire_stage) OR target NOT IN (SELECT id FROM quire_stage))";

constexpr std::string_view reopen_run_sql =
  "UPDATE quire_run SET state = 3, finished_at = NULL WHERE id = ?1 AND state >= 10";

/// Returns the numbers of what violates an invariant.
std::vector<std::int64_t> ids_of(snapshot& db, std::string_view violations) {
  std::vector<std::int64_t> ids;
  auto stmt = db.prepare(violations);
  stmt->bind();
  while (stmt->step())
    ids.push_back(stmt->int64(1));
  return ids;
}

void create_missing_gates(transaction& tx) {
  std::vector<std::pair<std::string, int>> gates;
  {
    auto stmt = tx.prepare(missing_gates_sql);
    stmt->bind();
    while (stmt->step())
      gates.emplace_back(stmt->text(0), static_cast<int>(stmt->int64(1)));
  }
  for (auto& [gate, capacity] : gates)
    create_gate(tx, gate, capacity);
}

} // namespace

void draw_public_key(transaction& tx, std::int64_t) {
  tx.execute(draw_public_key_sql);
}

void restore_boot_number(transaction& tx, std::int64_t) {
  tx.execute(restore_boot_sql);
}

void raise_epochs(transaction& tx, std::int64_t now_ms) {
  for (auto task : ids_of(tx, sql::epochs)) {
    tx.execute(raise_epoch_sql, task);
    // Its worker could not have ended it: that number is in the history already.
    auto row = read_task_row(tx, task_id{task});
    if (row && row->state == task_state::running)
      crash_attempt(tx, task_id{task}, row->epoch,
                    "its fencing number was in its history already (found by quire doctor)",
                    now_ms);
  }
}

void set_end_times(transaction& tx, std::int64_t now_ms) {
  for (auto statement : {end_tasks_sql, end_stages_sql, end_runs_sql})
    tx.execute(statement, now_ms);
}

void set_claim_times(transaction& tx, std::int64_t) {
  tx.execute(claim_times_sql);
}

void end_foreign_claims(transaction& tx, std::int64_t now_ms) {
  // Without a number of the present one, all would be foreign.
  if (!ids_of(tx, sql::boot_number).empty())
    return;
  set_claim_times(tx, now_ms);
  for (auto task : ids_of(tx, sql::claim_boots))
    if (auto row = read_task_row(tx, task_id{task}))
      crash_attempt(tx, task_id{task}, row->epoch,
                    "it was said to run in a process that is gone (found by quire doctor)", now_ms);
}

void forget_boots(transaction& tx, std::int64_t) {
  tx.execute(forget_boots_sql);
}

void cancel_without_payload(transaction& tx, std::int64_t now_ms) {
  for (auto task : ids_of(tx, sql::waiting_payloads)) {
    // One that was cancelled before may have ended others with it.
    auto row = read_task_row(tx, task_id{task});
    if (row && !is_terminal(row->state))
      cancel_open_task(tx, task_id{task}, *row, "its payload is missing (found by quire doctor)",
                       now_ms);
  }
}

void delete_stray_attempts(transaction& tx, std::int64_t) {
  tx.execute(delete_attempts_sql);
}

void delete_stray_keys(transaction& tx, std::int64_t) {
  tx.execute(delete_keys_sql);
}

void delete_stray_words(transaction& tx, std::int64_t) {
  tx.execute(delete_progress_sql);
  tx.execute(delete_lines_sql);
  tx.execute(delete_steps_sql);
}

void forget_missing_breakers(transaction& tx, std::int64_t) {
  if (tx.execute(forget_breakers_sql) == 0)
    return;
  tx.execute(task_sql::drop_undecided_kinds);
  announce_ready(tx);
}

void recount_subtasks(transaction& tx, std::int64_t now_ms) {
  for (auto task : ids_of(tx, sql::subtask_counts)) {
    tx.execute(count_subtasks_sql, task);
    bool goes_on = tx.prepare(waits_for_nothing_sql)->bind(task).step();
    if (goes_on)
      release_task(tx, task_id{task}, now_ms);
  }
}

void adopt_subtasks(transaction& tx, std::int64_t) {
  tx.execute(adopt_subtasks_sql);
}

void recount_gates(transaction& tx, std::int64_t) {
  create_missing_gates(tx);
  tx.execute(count_places_sql);
  if (tx.execute(free_ungated_sql) > 0)
    announce_ready(tx);
  std::vector<std::string> crowded;
  {
    auto stmt = tx.prepare(crowded_gates_sql);
    stmt->bind();
    while (stmt->step())
      crowded.push_back(stmt->text(0));
  }
  for (auto& gate : crowded)
    pump_gate(tx, gate);
}

void recount_tasks(transaction& tx, std::int64_t) {
  // What others in this transaction have counted is in the tables already.
  tx.write_end_counts();
  tx.execute(recount_tasks_sql);
}

void recount_stages(transaction& tx, std::int64_t now_ms) {
  auto stages = ids_of(tx, sql::stage_counters);
  for (auto stage : stages)
    tx.execute(recount_stage_sql, stage);
  for (auto stage : stages)
    settle_stage(tx, stage_id{stage}, now_ms);
}

void reopen_fan_outs(transaction& tx, std::int64_t) {
  for (auto stage : ids_of(tx, sql::stage_seals)) {
    tx.execute(reopen_fan_out_sql, stage);
    auto fanning = tx.prepare(fanning_sql);
    if (fanning->bind(stage).step())
      tx.announce({event::topic::stage_ready, stage});
  }
}

void end_done_stages(transaction& tx, std::int64_t now_ms) {
  for (auto stage : ids_of(tx, sql::stage_ends))
    settle_stage(tx, stage_id{stage}, now_ms);
}

void delete_stray_edges(transaction& tx, std::int64_t) {
  tx.execute(delete_edges_sql);
}

void recount_dependencies(transaction& tx, std::int64_t now_ms) {
  auto stages = ids_of(tx, sql::dependencies);
  for (auto stage : stages)
    count_dependencies(tx, stage_id{stage});
  for (auto stage : stages)
    settle_waiting_stage(tx, stage_id{stage}, now_ms);
}

void settle_runs(transaction& tx, std::int64_t now_ms) {
  for (auto run : ids_of(tx, sql::run_ends))
    if (tx.execute(reopen_run_sql, run) == 0)
      settle_run(tx, run_id{run}, now_ms);
}

void cancel_again(transaction& tx, std::int64_t now_ms) {
  for (auto run : ids_of(tx, sql::cancelled_runs))
    cancel_run(tx, run_id{run}, "its run was cancelled", now_ms);
}

} // namespace quire::storage::repairs
