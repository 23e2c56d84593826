#include "quire/storage/sqlite/task_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/task_keys.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"

#include <algorithm>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view find_lane_sql =
  "SELECT id FROM quire_lane WHERE queue = ?1 AND kind = ?2";

constexpr std::string_view create_lane_sql = "INSERT INTO quire_lane(queue, kind) VALUES(?1, ?2)";

constexpr std::string_view gate_has_place_sql =
  "SELECT used < capacity FROM quire_gate WHERE gate = ?1";

constexpr std::string_view insert_task_sql = R"(
  INSERT INTO quire_task(lane, state, priority, ord, run_at, attempts_max, crashes_max, gate, unique_key,
                         stage_id, item, created_at, expires_at, end_by)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
  ON CONFLICT(stage_id, item) WHERE stage_id IS NOT NULL DO NOTHING)";

constexpr std::string_view insert_body_sql = R"(
  INSERT INTO quire_task_body(id, payload, timeout_ms, retry_base_ms, retry_factor, retry_cap_ms,
                              retry_jitter, gate_capacity, start_ms, end_ms, heartbeat_ms)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11))";

// Unless it is to wait, it keeps its age.
constexpr std::string_view replace_task_sql = R"(
  UPDATE quire_task
  SET lane = ?2, state = ?3, priority = ?4, ord = max(created_at, ?6) + ?5,
      run_at = CASE WHEN ?6 > 0 THEN ?6 ELSE created_at END,
      attempt = 0, attempts_max = ?7, crashes = 0, crashes_max = ?8, gate = ?9, error_class = 0,
      snoozes = 0, expires_at = ?10, end_by = ?11
  WHERE id = ?1)";

constexpr std::string_view replace_body_sql = R"(
  UPDATE quire_task_body
  SET payload = ?2, timeout_ms = ?3, retry_base_ms = ?4, retry_factor = ?5, retry_cap_ms = ?6,
      retry_jitter = ?7, gate_capacity = ?8, start_ms = ?9, end_ms = ?10, heartbeat_ms = ?11
  WHERE id = ?1)";

// Of all that a task snoozed the last stays in its history: it may do so for ever.
constexpr std::string_view forget_snooze_sql =
  "DELETE FROM quire_task_attempt WHERE task_id = ?1 AND outcome = 'snoozed'";

constexpr std::string_view insert_attempt_sql = R"(
  INSERT INTO quire_task_attempt(task_id, epoch, attempt, started_at, ended_at, outcome, error)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7))";

constexpr std::string_view put_result_sql = R"(
  INSERT INTO quire_task_result(id, epoch, output, detail) VALUES(?1, ?2, ?3, ?4)
  ON CONFLICT(id) DO UPDATE
  SET epoch = excluded.epoch, output = excluded.output, detail = excluded.detail)";

constexpr std::string_view drop_result_sql = "DELETE FROM quire_task_result WHERE id = ?1";

std::int64_t lane_of(transaction& tx, const task_spec& spec) {
  {
    auto stmt = tx.prepare(find_lane_sql);
    if (stmt->bind(spec.queue, spec.kind).step())
      return stmt->int64(0);
  }
  tx.execute(create_lane_sql, spec.queue, spec.kind);
  return tx.last_insert_rowid();
}

/// Returns by how much younger than it is a task counts; less than 0 is older.
constexpr std::int64_t head_start_ms(task_priority priority) noexcept {
  switch (priority) {
    case task_priority::urgent: return -3'600'000;
    case task_priority::high: return -600'000;
    case task_priority::normal: break;
    case task_priority::low: return 1'800'000;
  }
  return 0;
}

/// Returns the state in which a task of `spec` begins.
task_state first_state(transaction& tx, const task_spec& spec, std::int64_t now_ms) {
  if (spec.run_at_ms && *spec.run_at_ms > now_ms)
    return task_state::scheduled;
  if (spec.gate.empty())
    return task_state::ready;
  create_gate(tx, spec.gate, spec.gate_capacity);
  auto stmt = tx.prepare(gate_has_place_sql);
  bool place = stmt->bind(spec.gate).step() && stmt->int64(0) != 0;
  return place ? task_state::ready : task_state::blocked;
}

std::optional<std::string_view> if_any(const std::string& name) {
  return name.empty() ? std::nullopt : std::optional<std::string_view>{name};
}

void write_body(transaction& tx, std::string_view sql, task_id task, const task_spec& spec) {
  tx.execute(sql, task.value, spec.payload, std::int64_t{spec.timeout.count()},
             std::int64_t{spec.retry.base.count()}, spec.retry.factor,
             std::int64_t{spec.retry.cap.count()}, spec.retry.jitter, spec.gate_capacity,
             std::int64_t{spec.start_within.count()}, std::int64_t{spec.end_within.count()},
             std::int64_t{spec.heartbeat.count()});
}

/// Takes the place in its gate and tells those who wait for tasks.
void begin_waiting(transaction& tx, const task_spec& spec, task_state state,
                   const task_limits& limits) {
  if (state == task_state::ready) {
    if (!spec.gate.empty())
      tx.execute(task_sql::take_place, spec.gate);
    announce_ready(tx);
  } else if (state == task_state::scheduled) {
    tx.announce({event::topic::task_ready, *spec.run_at_ms});
  }
  if (limits.expires_at_ms)
    tx.announce({event::topic::task_ready, *limits.expires_at_ms});
}

std::optional<task_id> insert_task(transaction& tx, const task_spec& spec,
                                   std::optional<std::int64_t> stage,
                                   std::optional<std::int64_t> item, std::int64_t now_ms) {
  auto state = first_state(tx, spec, now_ms);
  auto run_at = spec.run_at_ms.value_or(now_ms);
  auto age = std::clamp(std::max(now_ms, run_at), std::int64_t{0}, task_time_max);
  auto ord = age + head_start_ms(spec.priority);
  auto limits = limits_from(std::max(now_ms, run_at), spec.start_within, spec.end_within);
  auto inserted =
    tx.execute(insert_task_sql, lane_of(tx, spec), static_cast<int>(state),
               static_cast<int>(spec.priority), ord, run_at, spec.retry.attempts_max,
               spec.crashes_max, if_any(spec.gate), if_any(spec.unique.key), stage, item, now_ms,
               limits.expires_at_ms, limits.end_by_ms);
  if (inserted == 0)
    return std::nullopt;
  task_id task{tx.last_insert_rowid()};
  write_body(tx, insert_body_sql, task, spec);
  begin_waiting(tx, spec, state, limits);
  return task;
}

/// Makes another one of a task that waits.
void replace_task(transaction& tx, task_id task, const task_spec& spec, std::int64_t now_ms) {
  auto row = read_task_row(tx, task);
  if (row && holds_place(row->state))
    give_place(tx, row->gate);
  auto state = first_state(tx, spec, now_ms);
  auto run_at = state == task_state::scheduled ? *spec.run_at_ms : 0;
  auto limits = limits_from(std::max(now_ms, run_at), spec.start_within, spec.end_within);
  tx.execute(replace_task_sql, task.value, lane_of(tx, spec), static_cast<int>(state),
             static_cast<int>(spec.priority), head_start_ms(spec.priority), run_at,
             spec.retry.attempts_max, spec.crashes_max, if_any(spec.gate), limits.expires_at_ms,
             limits.end_by_ms);
  write_body(tx, replace_body_sql, task, spec);
  tx.execute(drop_result_sql, task.value);
  begin_waiting(tx, spec, state, limits);
}

/// Returns the task that makes the one of `spec` superfluous, after what `spec` wants to
/// be done to it.
std::optional<task_id> settle_duplicate(transaction& tx, const task_spec& spec,
                                        std::int64_t now_ms) {
  auto holder = find_key_holder(tx, spec.kind, spec.unique.key, now_ms);
  if (!holder)
    return std::nullopt;
  if (spec.unique.found == on_duplicate::reject)
    throw error(errc::conflict,
                "the task was not created: task " + std::to_string(holder->task.value) + " ("
                  + std::string{to_string(holder->state)} + ") has its unique key '"
                  + spec.unique.key + "'; nothing was changed; use that one, or another key");
  if (spec.unique.found == on_duplicate::replace) {
    if (holder->state == task_state::running || is_terminal(holder->state))
      return std::nullopt;
    replace_task(tx, holder->task, spec, now_ms);
  }
  return holder->task;
}

/// What becomes of an attempt.
struct attempt_end {
  task_state state = task_state::completed;
  bool given_back = false; ///< The attempt does not count.
  bool crashed = false;
  bool snoozed = false;
  std::string_view outcome; ///< As the history calls it.
  std::string error;
  std::optional<error_class> kind;
  std::optional<std::int64_t> run_at_ms;
};

void end_attempt(transaction& tx, task_id task, const task_row& row, const attempt_end& end,
                 std::int64_t now_ms) {
  std::optional<std::int64_t> finished_at;
  std::optional<std::int64_t> kind;
  if (is_terminal(end.state))
    finished_at = now_ms;
  if (end.kind)
    kind = static_cast<std::int64_t>(*end.kind);
  tx.execute(task_sql::end_attempt, task.value, row.epoch, static_cast<int>(end.state),
             end.given_back ? row.attempt - 1 : row.attempt,
             end.crashed ? row.crashes + 1 : row.crashes, end.run_at_ms, finished_at, kind,
             end.snoozed);
  if (end.snoozed)
    tx.execute(forget_snooze_sql, task.value);
  // A success is what the row of the task says: see `attempts_of`.
  if (end.state != task_state::completed || !end.error.empty())
    tx.execute(insert_attempt_sql, task.value, row.epoch, row.attempt, row.claimed_at_ms, now_ms,
               end.outcome, end.error);
  if (is_terminal(end.state)) {
    conclude_task(tx, task, row, end.state, now_ms);
  } else if (end.run_at_ms) {
    give_place(tx, row.gate);
    tx.announce({event::topic::task_ready, *end.run_at_ms});
  } else {
    announce_ready(tx);
  }
  // It waits again, and its time may be up meanwhile.
  if (!is_terminal(end.state) && row.end_by_ms)
    tx.announce({event::topic::task_ready, *row.end_by_ms});
}

attempt_end end_of(const task_row& row, const task_outcome& outcome, std::int64_t retry_at_ms) {
  using verdict = task_outcome::verdict;
  attempt_end end;
  end.error = outcome.error;
  end.kind = outcome.error_kind;
  switch (outcome.what) {
    case verdict::completed: end.state = task_state::completed; break;
    case verdict::partial_success: end.state = task_state::partial_success; break;
    case verdict::cancelled: end.state = task_state::cancelled; break;
    case verdict::released:
      end.state = row.cancel_requested ? task_state::cancelled : task_state::ready;
      end.given_back = !row.cancel_requested;
      break;
    case verdict::snoozed:
      end.state = row.cancel_requested ? task_state::cancelled : task_state::scheduled;
      end.given_back = end.snoozed = !row.cancel_requested;
      break;
    case verdict::failed: {
      bool final = outcome.error_kind == error_class::permanent
                   || outcome.error_kind == error_class::poison || row.attempt >= row.attempts_max;
      if (!final && row.end_by_ms && retry_at_ms >= *row.end_by_ms) {
        final = true;
        end.error += "; its time is up before another attempt could begin";
      }
      end.state = row.cancel_requested ? task_state::cancelled
                  : final              ? task_state::failed
                                       : task_state::retryable;
      break;
    }
  }
  if (end.state == task_state::retryable || end.state == task_state::scheduled)
    end.run_at_ms = retry_at_ms;
  // The class says why a task is where it is: giving it back changes nothing.
  if (end.given_back)
    end.kind.reset();
  else if (end.state == task_state::cancelled)
    end.kind = error_class::cancelled;
  end.outcome = end.snoozed                          ? "snoozed"
                : end.given_back                     ? "released"
                : end.state == task_state::retryable ? to_string(task_state::failed)
                                                     : to_string(end.state);
  return end;
}

/// Returns whether there was anything to keep.
bool put_result(transaction& tx, task_id task, std::int64_t epoch, const task_outcome& outcome) {
  using verdict = task_outcome::verdict;
  auto text = [](const std::string& x) {
    return x.empty() ? std::optional<std::string_view>{} : std::optional<std::string_view>{x};
  };
  bool useful = outcome.what == verdict::completed || outcome.what == verdict::partial_success;
  auto output = useful ? text(outcome.output) : std::nullopt;
  auto detail = text(outcome.detail);
  if (output || detail)
    tx.execute(put_result_sql, task.value, epoch, output, detail);
  return output || detail;
}

/// Returns whether an error with `code` says no to what was asked for, or that it took too long.
bool is_refusal(errc code) {
  return code == errc::conflict || code == errc::not_found || code == errc::timeout
         || code == errc::precondition_failed;
}

/// Writes what the handler wanted to write with its success.
void have_effects(transaction& tx, const task_outcome& outcome) {
  using verdict = task_outcome::verdict;
  if (!outcome.effects
      || (outcome.what != verdict::completed && outcome.what != verdict::partial_success))
    return;
  try {
    outcome.effects(tx);
  } catch (const error& failure) {
    if (!is_refusal(failure.code()))
      throw;
    // Whoever wrote it is to blame, not the database: trying again would not help.
    throw error(errc::function_failed, failure.what());
  }
}

/// Ends the most frequent case in one statement: the first attempt succeeded, and nobody
/// but the task itself is concerned.
bool complete_at_once(transaction& tx, task_id task, std::int64_t epoch,
                      const task_outcome& outcome, std::int64_t now_ms) {
  if (epoch != 1 || outcome.what != task_outcome::verdict::completed || !outcome.error.empty()
      || tx.execute(task_sql::complete_at_once, task.value, now_ms,
                    static_cast<std::int64_t>(outcome.error_kind))
           == 0)
    return false;
  if (!outcome.output.empty() || !outcome.detail.empty())
    put_result(tx, task, epoch, outcome);
  tx.announce({event::topic::task_finished, task.value});
  return true;
}

} // namespace

enqueued_task put_task(transaction& tx, const task_spec& spec, std::int64_t now_ms) {
  check_task(spec);
  auto& unique = spec.unique;
  if (!unique.key.empty())
    if (auto found = settle_duplicate(tx, spec, now_ms))
      return {*found, false};
  // Without a stage nothing can be in the way.
  auto task = insert_task(tx, spec, std::nullopt, std::nullopt, now_ms).value();
  if (!unique.key.empty())
    take_key(tx, spec.kind, unique.key, task,
             unique.kept_for.count() > 0 ? now_ms + unique.kept_for.count() : 0);
  return {task, true};
}

task_id enqueue_task(transaction& tx, const task_spec& spec, std::int64_t now_ms) {
  return put_task(tx, spec, now_ms).id;
}

std::optional<task_id> enqueue_stage_task(transaction& tx, const task_spec& spec, stage_id stage,
                                          std::int64_t item, std::int64_t now_ms) {
  check_task(spec);
  if (!spec.unique.key.empty())
    throw error(errc::invalid_argument, "the task was not created: a task of a pipeline has no "
                                        "unique key; correct it and try again");
  return insert_task(tx, spec, stage.value, item, now_ms);
}

finished_attempt finish_attempt(transaction& tx, task_id task, std::int64_t epoch,
                                const task_outcome& outcome, std::int64_t retry_at_ms,
                                std::int64_t now_ms) {
  if (complete_at_once(tx, task, epoch, outcome, now_ms)) {
    have_effects(tx, outcome);
    return {true, task_state::completed};
  }
  auto row = read_task_row(tx, task);
  if (!row)
    return {false, task_state::cancelled};
  if (row->state != task_state::running || row->epoch != epoch)
    return {false, row->state};
  auto end = end_of(*row, outcome, retry_at_ms);
  if (!put_result(tx, task, epoch, outcome) && epoch > 1)
    tx.execute(drop_result_sql, task.value);
  end_attempt(tx, task, *row, end, now_ms);
  have_effects(tx, outcome);
  return {true, end.state};
}

finished_attempt crash_attempt(transaction& tx, task_id task, std::int64_t epoch,
                               const std::string& reason, std::int64_t now_ms) {
  auto row = read_task_row(tx, task);
  if (!row)
    return {false, task_state::cancelled};
  if (row->state != task_state::running || row->epoch != epoch)
    return {false, row->state};
  attempt_end end;
  end.crashed = true;
  end.outcome = "crashed";
  end.error = reason;
  if (row->cancel_requested) {
    end.state = task_state::cancelled;
    end.kind = error_class::cancelled;
  } else if (row->crashes_max > 0 && row->crashes + 1 >= row->crashes_max) {
    end.state = task_state::failed;
    end.kind = error_class::poison;
    end.error = "its process died " + std::to_string(row->crashes + 1)
                + " times while it ran; the last time: " + reason;
  } else {
    end.state = task_state::ready;
    end.given_back = true;
  }
  end_attempt(tx, task, *row, end, now_ms);
  return {true, end.state};
}

} // namespace quire::storage
