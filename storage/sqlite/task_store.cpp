#include "quire/storage/sqlite/task_store.hpp"

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/task_keys.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"

#include <algorithm>
#include <cmath>
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
                         stage_id, item, created_at)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
  ON CONFLICT(stage_id, item) WHERE stage_id IS NOT NULL DO NOTHING)";

constexpr std::string_view insert_body_sql = R"(
  INSERT INTO quire_task_body(id, payload, timeout_ms, retry_base_ms, retry_factor, retry_cap_ms,
                              retry_jitter, gate_capacity)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))";

// Unless it is to wait, it keeps its age.
constexpr std::string_view replace_task_sql = R"(
  UPDATE quire_task
  SET lane = ?2, state = ?3, priority = ?4, ord = max(created_at, ?6) + ?5,
      run_at = CASE WHEN ?6 > 0 THEN ?6 ELSE created_at END,
      attempt = 0, attempts_max = ?7, crashes = 0, crashes_max = ?8, gate = ?9, error_class = 0
  WHERE id = ?1)";

constexpr std::string_view replace_body_sql = R"(
  UPDATE quire_task_body
  SET payload = ?2, timeout_ms = ?3, retry_base_ms = ?4, retry_factor = ?5, retry_cap_ms = ?6,
      retry_jitter = ?7, gate_capacity = ?8
  WHERE id = ?1)";

constexpr std::string_view insert_attempt_sql = R"(
  INSERT INTO quire_task_attempt(task_id, epoch, attempt, started_at, ended_at, outcome, error)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7))";

constexpr std::string_view put_result_sql = R"(
  INSERT INTO quire_task_result(id, epoch, output, detail) VALUES(?1, ?2, ?3, ?4)
  ON CONFLICT(id) DO UPDATE
  SET epoch = excluded.epoch, output = excluded.output, detail = excluded.detail)";

constexpr std::string_view drop_result_sql = "DELETE FROM quire_task_result WHERE id = ?1";

constexpr std::int64_t time_max = (std::int64_t{1} << 48) - 1;

void require(bool valid, const char* what) {
  if (!valid)
    throw error(errc::invalid_argument,
                std::string{"the task was not created: "} + what + "; correct it and try again");
}

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
             std::int64_t{spec.retry.cap.count()}, spec.retry.jitter, spec.gate_capacity);
}

/// Takes the place in its gate and tells those who wait for tasks.
void begin_waiting(transaction& tx, const task_spec& spec, task_state state) {
  if (state == task_state::ready) {
    if (!spec.gate.empty())
      tx.execute(task_sql::take_place, spec.gate);
    announce_ready(tx);
  } else if (state == task_state::scheduled) {
    tx.announce({event::topic::task_ready, *spec.run_at_ms});
  }
}

std::optional<task_id> insert_task(transaction& tx, const task_spec& spec,
                                   std::optional<std::int64_t> stage,
                                   std::optional<std::int64_t> item, std::int64_t now_ms) {
  auto state = first_state(tx, spec, now_ms);
  auto run_at = spec.run_at_ms.value_or(now_ms);
  auto age = std::clamp(std::max(now_ms, run_at), std::int64_t{0}, time_max);
  auto ord = age + head_start_ms(spec.priority);
  auto inserted =
    tx.execute(insert_task_sql, lane_of(tx, spec), static_cast<int>(state),
               static_cast<int>(spec.priority), ord, run_at, spec.retry.attempts_max,
               spec.crashes_max, if_any(spec.gate), if_any(spec.unique.key), stage, item, now_ms);
  if (inserted == 0)
    return std::nullopt;
  task_id task{tx.last_insert_rowid()};
  write_body(tx, insert_body_sql, task, spec);
  begin_waiting(tx, spec, state);
  return task;
}

/// Makes another one of a task that waits.
void replace_task(transaction& tx, task_id task, const task_spec& spec, std::int64_t now_ms) {
  auto row = read_task_row(tx, task);
  if (row && holds_place(row->state))
    give_place(tx, row->gate);
  auto state = first_state(tx, spec, now_ms);
  auto run_at = state == task_state::scheduled ? *spec.run_at_ms : 0;
  tx.execute(replace_task_sql, task.value, lane_of(tx, spec), static_cast<int>(state),
             static_cast<int>(spec.priority), head_start_ms(spec.priority), run_at,
             spec.retry.attempts_max, spec.crashes_max, if_any(spec.gate));
  write_body(tx, replace_body_sql, task, spec);
  tx.execute(drop_result_sql, task.value);
  begin_waiting(tx, spec, state);
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
             end.crashed ? row.crashes + 1 : row.crashes, end.run_at_ms, finished_at, kind);
  // A success is what the row of the task says: see `attempts_of`.
  if (end.state != task_state::completed || !end.error.empty())
    tx.execute(insert_attempt_sql, task.value, row.epoch, row.attempt, row.claimed_at_ms, now_ms,
               end.outcome, end.error);
  if (is_terminal(end.state)) {
    conclude_task(tx, task, row, end.state, now_ms);
  } else if (end.state == task_state::retryable) {
    give_place(tx, row.gate);
    tx.announce({event::topic::task_ready, *end.run_at_ms});
  } else {
    announce_ready(tx);
  }
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
    case verdict::failed: {
      bool final = outcome.error_kind == error_class::permanent
                   || outcome.error_kind == error_class::poison || row.attempt >= row.attempts_max;
      end.state = row.cancel_requested ? task_state::cancelled
                  : final              ? task_state::failed
                                       : task_state::retryable;
      break;
    }
  }
  if (end.state == task_state::retryable)
    end.run_at_ms = retry_at_ms;
  // The class says why a task is where it is: giving it back changes nothing.
  if (end.given_back)
    end.kind.reset();
  else if (end.state == task_state::cancelled)
    end.kind = error_class::cancelled;
  end.outcome = end.given_back                       ? "released"
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

void check_task(const task_spec& spec) {
  constexpr std::size_t payload_max = std::size_t{64} << 20;
  constexpr std::chrono::milliseconds none{0};
  // Whatever is added to it later, it overflows nowhere.
  constexpr std::chrono::milliseconds delay_max{std::chrono::hours{10 * 366 * 24}};
  auto named = [](const std::string& name) { return !name.empty() && name.size() <= 100; };
  require(named(spec.kind), "kind must be 1 to 100 bytes long");
  require(named(spec.queue), "queue must be 1 to 100 bytes long");
  require(spec.payload.size() <= payload_max, "payload is over its limit of 64 MiB");
  require(spec.priority <= task_priority::low, "priority must be urgent, high, normal or low");
  require(spec.retry.attempts_max >= 1 && spec.retry.attempts_max <= 1000,
          "retry.attempts_max must be 1 to 1000");
  require(spec.retry.base >= none && spec.retry.base <= delay_max,
          "retry.base must be 0 to 10 years");
  require(std::isfinite(spec.retry.factor) && spec.retry.factor >= 1,
          "retry.factor must be a number of at least 1");
  require(spec.retry.cap >= none && spec.retry.cap <= delay_max, "retry.cap must be 0 to 10 years");
  require(spec.retry.jitter >= 0 && spec.retry.jitter <= 1, "retry.jitter must be 0 to 1");
  require(spec.timeout >= none && spec.timeout <= delay_max,
          "timeout must be 0 to 10 years; 0 is no limit");
  require(!spec.run_at_ms || (*spec.run_at_ms >= 0 && *spec.run_at_ms <= time_max),
          "run_at must be Unix milliseconds from 0 to 2^48 - 1");
  require(spec.gate.size() <= 1000, "gate is over its limit of 1000 bytes");
  require(spec.gate_capacity >= 1 && spec.gate_capacity <= 100'000,
          "gate_capacity must be 1 to 100000");
  require(spec.crashes_max >= 0, "crashes_max must not be negative; 0 is no limit");
  require(spec.unique.key.size() <= 200, "unique.key is over its limit of 200 bytes");
  require(spec.unique.found <= on_duplicate::reject,
          "unique.found must be existing, replace or reject");
  require(spec.unique.kept_for >= none && spec.unique.kept_for <= delay_max,
          "unique.kept_for must be 0 to 10 years");
  require(!spec.unique.key.empty() || spec.unique.kept_for == none,
          "unique.kept_for needs unique.key");
  require(spec.unique.found != on_duplicate::replace || spec.unique.kept_for == none,
          "unique.kept_for and replace contradict each other");
}

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
  require(spec.unique.key.empty(), "a task of a pipeline has no unique key");
  return insert_task(tx, spec, stage.value, item, now_ms);
}

finished_attempt finish_attempt(transaction& tx, task_id task, std::int64_t epoch,
                                const task_outcome& outcome, std::int64_t retry_at_ms,
                                std::int64_t now_ms) {
  if (complete_at_once(tx, task, epoch, outcome, now_ms))
    return {true, task_state::completed};
  auto row = read_task_row(tx, task);
  if (!row)
    return {false, task_state::cancelled};
  if (row->state != task_state::running || row->epoch != epoch)
    return {false, row->state};
  auto end = end_of(*row, outcome, retry_at_ms);
  if (!put_result(tx, task, epoch, outcome) && epoch > 1)
    tx.execute(drop_result_sql, task.value);
  end_attempt(tx, task, *row, end, now_ms);
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
