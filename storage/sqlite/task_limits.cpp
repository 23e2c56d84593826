#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/task_steps.hpp"

#include <algorithm>
#include <cmath>

namespace quire::storage {

namespace {

/// What is wrong with a task, and with which: `subtasks[2]: ` before it.
struct invalid_task {
  std::string what;
};

void require(bool valid, const char* what) {
  if (!valid)
    throw invalid_task{what};
}

/// Runs `check`; what it finds is wrong with the `index`-th of `list`.
template <class Check>
auto within(const char* list, std::size_t index, Check check) {
  try {
    return check();
  } catch (const invalid_task& found) {
    throw invalid_task{list + ("[" + std::to_string(index) + "]: ") + found.what};
  }
}

template <class Check>
void refuse_what_is_wrong(const char* refusal, Check check) {
  try {
    check();
  } catch (const invalid_task& found) {
    throw error(errc::invalid_argument,
                std::string{refusal} + found.what + "; correct it and try again");
  }
}

/// What holds for each task by itself.
void check_fields(const task_spec& spec) {
  constexpr std::size_t payload_max = std::size_t{64} << 20;
  constexpr std::chrono::milliseconds none{0};
  // Whatever is added to it later, it overflows nowhere.
  constexpr std::chrono::milliseconds delay_max{std::chrono::hours{10 * 366 * 24}};
  auto named = [](const std::string& name) { return !name.empty() && name.size() <= 100; };
  require(named(spec.kind), "kind must be 1 to 100 bytes long");
  require(named(spec.queue), "queue must be 1 to 100 bytes long");
  require(spec.tenant.size() <= 100, "tenant is over its limit of 100 bytes");
  require(spec.payload.size() <= payload_max, "payload is over its limit of 64 MiB");
  require(spec.priority <= task_priority::low, "priority must be urgent, high, normal or low");
  require(std::chrono::abs(spec.head_start) <= std::chrono::hours{7 * 24},
          "head_start must be up to 7 days either way");
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
  require(!spec.run_at_ms || (*spec.run_at_ms >= 0 && *spec.run_at_ms <= task_time_max),
          "run_at must be Unix milliseconds from 0 to 2^48 - 1");
  require(spec.gate.size() <= 1000, "gate is over its limit of 1000 bytes");
  require(spec.gate_capacity >= 1 && spec.gate_capacity <= 100'000,
          "gate_capacity must be 1 to 100000");
  require(spec.start_within >= none && spec.start_within <= delay_max,
          "start_within must be 0 to 10 years; 0 is no limit");
  require(spec.end_within >= none && spec.end_within <= delay_max,
          "end_within must be 0 to 10 years; 0 is no limit");
  require(spec.heartbeat >= none && spec.heartbeat <= delay_max,
          "heartbeat must be 0 to 10 years; 0 is no limit");
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

constexpr std::string_view limits_sql =
  "SELECT start_ms, end_ms FROM quire_task_body WHERE id = ?1";

constexpr int subtasks_max = 1000;

constexpr int subtask_levels_max = 8;

/// Checks the subtasks of `spec`, and theirs. @returns how many they are.
int check_subtasks(const task_spec& spec, int level) {
  require(level <= subtask_levels_max || spec.subtasks.empty(),
          "there are more than 8 levels of subtasks");
  int count = 0;
  for (std::size_t i = 0; i < spec.subtasks.size(); ++i) {
    auto& one = spec.subtasks[i];
    count += within("subtasks", i, [&] {
      check_fields(one);
      require(one.unique.key.empty(), "a subtask must not have a unique key");
      return 1 + check_subtasks(one, level + 1);
    });
    require(count <= subtasks_max,
            "it has more than 1000 subtasks; a pipeline may fan out to more");
  }
  return count;
}

void check(const task_spec& spec) {
  check_fields(spec);
  check_subtasks(spec, 1);
  require(spec.subtasks.empty() || spec.unique.found != on_duplicate::replace,
          "a task with subtasks replaces no other one");
}

} // namespace

void check_task(const task_spec& spec) {
  refuse_what_is_wrong("the task was not created: ", [&] { check(spec); });
}

void check_tasks(std::span<const task_spec> specs) {
  if (specs.size() == 1)
    return check_task(specs.front());
  refuse_what_is_wrong("no task was created: ", [&] {
    for (std::size_t i = 0; i < specs.size(); ++i)
      within("tasks", i, [&] { check(specs[i]); });
  });
}

task_limits limits_from(std::int64_t from_ms, std::chrono::milliseconds start_within,
                        std::chrono::milliseconds end_within) {
  task_limits limits;
  if (end_within.count() > 0)
    limits.expires_at_ms = limits.end_by_ms = from_ms + end_within.count();
  if (start_within.count() > 0) {
    auto start_by_ms = from_ms + start_within.count();
    limits.expires_at_ms = std::min(limits.expires_at_ms.value_or(start_by_ms), start_by_ms);
  }
  return limits;
}

task_limits limits_of(snapshot& db, task_id task, std::int64_t from_ms) {
  auto stmt = db.prepare(limits_sql);
  if (!stmt->bind(task.value).step())
    return {};
  return limits_from(from_ms, std::chrono::milliseconds{stmt->int64(0)},
                     std::chrono::milliseconds{stmt->int64(1)});
}

} // namespace quire::storage
