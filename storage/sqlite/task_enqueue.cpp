#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/new_tasks.hpp"
#include "quire/storage/sqlite/task_keys.hpp"
#include "quire/storage/sqlite/task_sql.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace quire::storage {

namespace {

constexpr std::string_view find_lane_sql =
  "SELECT id FROM quire_lane WHERE queue = ?1 AND kind = ?2 AND tenant = ?3";

constexpr std::string_view create_lane_sql =
  "INSERT INTO quire_lane(queue, kind, tenant) VALUES(?1, ?2, ?3)";

constexpr std::string_view gate_has_place_sql =
  "SELECT used < capacity FROM quire_gate WHERE gate = ?1";

// Unless it is to wait, it keeps its age.
constexpr std::string_view replace_task_sql = R"(
  UPDATE quire_task
  SET lane = ?2, state = ?3, priority = ?4, ord = max(created_at, ?6) + ?5,
      run_at = CASE WHEN ?6 > 0 THEN ?6 ELSE created_at END,
      attempt = 0, attempts_max = ?7, crashes = 0, crashes_max = ?8, gate = ?9, error_class = 0,
      snoozes = 0, expires_at = ?10, end_by = ?11
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

new_task new_task_of(transaction& tx, const task_spec& spec, const task_owner& owner,
                     std::int64_t now_ms) {
  new_task row{.spec = &spec, .owner = owner};
  row.state = first_state(tx, spec, now_ms);
  row.run_at_ms = spec.run_at_ms.value_or(now_ms);
  auto starts_at = std::max(now_ms, row.run_at_ms);
  row.ord = std::clamp(starts_at, std::int64_t{0}, task_time_max) + head_start_ms(spec);
  // The time of one that waits for its subtasks begins later.
  if (row.state == task_state::created)
    row.subtasks_open = static_cast<std::int64_t>(spec.subtasks.size());
  else
    row.limits = limits_from(starts_at, spec.start_within, spec.end_within);
  row.lane = lane_of(tx, spec);
  return row;
}

/// Nothing in the database decides on it but its lane, and there are no others with it.
bool stands_alone(const task_spec& spec) {
  return spec.gate.empty() && spec.unique.key.empty() && spec.subtasks.empty();
}

void insert_many(transaction& tx, std::span<const task_spec> specs, task_owner owner,
                 std::int64_t now_ms, const std::function<void(task_id)>& inserted);

std::optional<task_id> insert_one(transaction& tx, const task_spec& spec, const task_owner& owner,
                                  std::int64_t now_ms) {
  auto row = new_task_of(tx, spec, owner, now_ms);
  auto task = insert_task(tx, row, now_ms);
  if (!task)
    return std::nullopt;
  begin_waiting(tx, spec, row.state, row.limits);
  insert_many(tx, spec.subtasks, {.parent = task->value}, now_ms, [](task_id) {});
  return task;
}

/// Inserts tasks of `owner`, or of the items of a stage from that one on; no item may have its
/// task already.
void insert_many(transaction& tx, std::span<const task_spec> specs, task_owner owner,
                 std::int64_t now_ms, const std::function<void(task_id)>& inserted) {
  std::vector<new_task> rows;
  auto flush = [&] {
    insert_tasks(tx, rows, now_ms, inserted);
    for (auto& row : rows)
      begin_waiting(tx, *row.spec, row.state, row.limits);
    rows.clear();
  };
  for (auto& spec : specs) {
    if (stands_alone(spec)) {
      rows.push_back(new_task_of(tx, spec, owner, now_ms));
    } else {
      flush();
      inserted(insert_one(tx, spec, owner, now_ms).value());
    }
    if (owner.item)
      ++*owner.item;
  }
  flush();
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
  replace_body(tx, task, spec);
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

/// Puts a task in that is valid.
enqueued_task put_checked(transaction& tx, const task_spec& spec, std::int64_t now_ms) {
  auto& unique = spec.unique;
  if (!unique.key.empty())
    if (auto found = settle_duplicate(tx, spec, now_ms))
      return {*found, false};
  // Without a stage nothing can be in the way.
  auto task = insert_one(tx, spec, {}, now_ms).value();
  if (!unique.key.empty())
    take_key(tx, spec.kind, unique.key, task,
             unique.kept_for.count() > 0 ? now_ms + unique.kept_for.count() : 0);
  return {task, true};
}

} // namespace

enqueued_task put_task(transaction& tx, const task_spec& spec, std::int64_t now_ms) {
  check_task(spec);
  return put_checked(tx, spec, now_ms);
}

std::vector<enqueued_task> put_tasks(transaction& tx, std::span<const task_spec> specs,
                                     std::int64_t now_ms) {
  check_tasks(specs);
  std::vector<enqueued_task> result;
  result.reserve(specs.size());
  while (!specs.empty()) {
    auto end = std::ranges::find_if(specs, [](auto& spec) { return !spec.unique.key.empty(); });
    auto keyless = specs.first(static_cast<std::size_t>(end - specs.begin()));
    insert_many(tx, keyless, {}, now_ms, [&](task_id task) { result.push_back({task, true}); });
    specs = specs.subspan(keyless.size());
    if (!specs.empty()) {
      result.push_back(put_checked(tx, specs.front(), now_ms));
      specs = specs.subspan(1);
    }
  }
  return result;
}

task_id enqueue_task(transaction& tx, const task_spec& spec, std::int64_t now_ms) {
  return put_task(tx, spec, now_ms).id;
}

void enqueue_stage_tasks(transaction& tx, std::span<const task_spec> specs, stage_id stage,
                         std::int64_t first, std::int64_t now_ms) {
  for (auto& spec : specs) {
    check_task(spec);
    if (!spec.unique.key.empty())
      throw error(errc::invalid_argument, "the task was not created: a task of a pipeline has no "
                                          "unique key; correct it and try again");
    if (!spec.subtasks.empty())
      throw error(errc::invalid_argument, "the task was not created: a task of a pipeline has no "
                                          "subtasks; use another stage");
  }
  bool any_there;
  {
    auto stmt = tx.prepare(task_sql::any_task_of_items);
    any_there = stmt->bind(stage.value, first, first + static_cast<std::int64_t>(specs.size())).step();
  }
  if (!any_there)
    return insert_many(tx, specs, {.stage = stage.value, .item = first}, now_ms, [](task_id) {});
  for (auto& spec : specs)
    insert_one(tx, spec, {.stage = stage.value, .item = first++}, now_ms);
}

} // namespace quire::storage
