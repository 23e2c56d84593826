// The part of the model that knows when the time of a task is up.

#include "quire/tests/storage/task_model.hpp"

#include <algorithm>

namespace quire::tests {

namespace {

bool may_expire(task_state state) {
  return state == task_state::ready || state == task_state::blocked
         || state == task_state::scheduled || state == task_state::retryable;
}

} // namespace

/// It may start from `from_ms` on.
void task_model::begin_time(model_task& task, std::int64_t from_ms) {
  task.end_by_ms.reset();
  if (task.end_within_ms > 0)
    task.end_by_ms = from_ms + task.end_within_ms;
  task.expires_at_ms = task.end_by_ms;
  if (task.start_within_ms > 0)
    task.expires_at_ms = std::min(task.end_by_ms.value_or(from_ms + task.start_within_ms),
                                  from_ms + task.start_within_ms);
}

/// It waits for its subtasks; if it has run before, it must still end in time.
void task_model::end_time(model_task& task) {
  task.expires_at_ms.reset();
  if (task.attempt == 0)
    task.end_by_ms.reset();
}

std::int64_t task_model::expire(std::int64_t now_ms, std::size_t limit) {
  std::vector<std::pair<std::int64_t, std::int64_t>> expired;
  for (auto& [id, task] : tasks)
    if (may_expire(task.state) && task.expires_at_ms && *task.expires_at_ms <= now_ms)
      expired.emplace_back(*task.expires_at_ms, id);
  std::ranges::sort(expired);
  std::int64_t failed = 0;
  for (std::size_t i = 0; i < std::min(expired.size(), limit); ++i) {
    auto id = expired[i].second;
    auto& task = tasks.at(id);
    if (!may_expire(task.state)) // It ended with another one.
      continue;
    ++task.epoch;
    task.history.emplace_back(task.epoch, task.attempt, "failed");
    end(id, task_state::failed, now_ms);
    ++failed;
  }
  return failed;
}

} // namespace quire::tests
