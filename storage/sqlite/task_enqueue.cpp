#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/task_keys.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view find_lane_sql =
  "SELECT id FROM quire_lane WHERE queue = ?1 AND kind = ?2 AND tenant = ?3";

constexpr std::string_view create_lane_sql =
  "INSERT INTO quire_lane(queue, kind, tenant) VALUES(?1, ?2, ?3)";

constexpr std::string_view gate_has_place_sql =
  "SELECT used < capacity FROM quire_gate WHERE gate = ?1";

constexpr std::string_view insert_task_sql = R"(
  INSERT INTO quire_task(lane, state, priority, ord, run_at, attempts_max, crashes_max, gate, unique_key,
                         stage_id, item, created_at, expires_at, end_by, parent_id, subtasks_open)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
  ON CONFLICT(stage_id, item) WHERE stage_id IS NOT NULL DO NOTHING)";

constexpr std::string_view insert_body_sql = R"(
  INSERT INTO quire_task_body(id, payload, timeout_ms, retry_base_ms, retry_factor, retry_cap_ms,
                              retry_jitter, gate_capacity, start_ms, end_ms, heartbeat_ms, head_start_min)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12))";

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
      retry_jitter = ?7, gate_capacity = ?8, start_ms = ?9, end_ms = ?10, heartbeat_ms = ?11,
      head_start_min = ?12
  WHERE id = ?1)";

std::int64_t find_or_create_lane(transaction& tx, const task_spec& spec) {
  {
    auto stmt = tx.prepare(find_lane_sql);
    if (stmt->bind(spec.queue, spec.kind, spec.tenant).step())
      return stmt->int64(0);
  }
  tx.execute(create_lane_sql, spec.queue, spec.kind, spec.tenant);
  return tx.last_insert_rowid();
}

std::int64_t lane_of(transaction& tx, const task_spec& spec) {
  auto& last = tx.last_lane();
  if (last.id == 0 || last.kind != spec.kind || last.queue != spec.queue
      || last.tenant != spec.tenant)
    last = {spec.queue, spec.kind, spec.tenant, find_or_create_lane(tx, spec)};
  return last.id;
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

std::int64_t head_start_ms(const task_spec& spec) {
  return head_start_ms(spec.priority) - std::chrono::milliseconds{spec.head_start}.count();
}

/// Returns the state in which a task of `spec` begins.
task_state first_state(transaction& tx, const task_spec& spec, std::int64_t now_ms) {
  if (!spec.subtasks.empty())
    return task_state::created;
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
             std::int64_t{spec.heartbeat.count()}, std::int64_t{spec.head_start.count()});
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

/// To what a new task belongs.
struct task_owner {
  std::optional<std::int64_t> stage{};
  std::optional<std::int64_t> item{};
  std::optional<std::int64_t> parent{};
};

std::optional<task_id> insert_task(transaction& tx, const task_spec& spec, const task_owner& owner,
                                   std::int64_t now_ms) {
  auto state = first_state(tx, spec, now_ms);
  auto run_at = spec.run_at_ms.value_or(now_ms);
  auto age = std::clamp(std::max(now_ms, run_at), std::int64_t{0}, task_time_max);
  auto ord = age + head_start_ms(spec);
  task_limits limits; // The time of one that waits for its subtasks begins later.
  std::optional<std::int64_t> open;
  if (state == task_state::created)
    open = static_cast<std::int64_t>(spec.subtasks.size());
  else
    limits = limits_from(std::max(now_ms, run_at), spec.start_within, spec.end_within);
  auto inserted =
    tx.execute(insert_task_sql, lane_of(tx, spec), static_cast<int>(state),
               static_cast<int>(spec.priority), ord, run_at, spec.retry.attempts_max,
               spec.crashes_max, if_any(spec.gate), if_any(spec.unique.key), owner.stage,
               owner.item, now_ms, limits.expires_at_ms, limits.end_by_ms, owner.parent, open);
  if (inserted == 0)
    return std::nullopt;
  task_id task{tx.last_insert_rowid()};
  write_body(tx, insert_body_sql, task, spec);
  begin_waiting(tx, spec, state, limits);
  for (auto& one : spec.subtasks)
    insert_task(tx, one, {.parent = task.value}, now_ms);
  return task;
}

/// Makes another one of a task that waits; `was` is its row.
void replace_task(transaction& tx, task_id task, const task_row& was, const task_spec& spec,
                  std::int64_t now_ms) {
  if (holds_place(was.state))
    give_place(tx, was.gate);
  auto state = first_state(tx, spec, now_ms);
  auto run_at = state == task_state::scheduled ? *spec.run_at_ms : 0;
  auto limits = limits_from(std::max(now_ms, run_at), spec.start_within, spec.end_within);
  tx.execute(replace_task_sql, task.value, lane_of(tx, spec), static_cast<int>(state),
             static_cast<int>(spec.priority), head_start_ms(spec), run_at,
             spec.retry.attempts_max, spec.crashes_max, if_any(spec.gate), limits.expires_at_ms,
             limits.end_by_ms);
  write_body(tx, replace_body_sql, task, spec);
  tx.execute(task_sql::drop_result, task.value);
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
    auto row = read_task_row(tx, holder->task);
    if (!row || row->state == task_state::running || is_terminal(row->state) || row->has_subtasks)
      return std::nullopt;
    replace_task(tx, holder->task, *row, spec, now_ms);
  }
  return holder->task;
}

} // namespace

enqueued_task put_task(transaction& tx, const task_spec& spec, std::int64_t now_ms) {
  check_task(spec);
  auto& unique = spec.unique;
  if (!unique.key.empty())
    if (auto found = settle_duplicate(tx, spec, now_ms))
      return {*found, false};
  // Without a stage nothing can be in the way.
  auto task = insert_task(tx, spec, {}, now_ms).value();
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
  if (!spec.subtasks.empty())
    throw error(errc::invalid_argument, "the task was not created: a task of a pipeline has no "
                                        "subtasks; use another stage");
  return insert_task(tx, spec, {.stage = stage.value, .item = item}, now_ms);
}

} // namespace quire::storage
