// The part of the model that knows of subtasks.

#include "quire/tests/storage/task_model.hpp"

#include <algorithm>

namespace quire::tests {

std::vector<std::int64_t> task_model::subtasks_of(std::int64_t parent) const {
  std::vector<std::int64_t> ids;
  for (auto& [id, task] : tasks)
    if (task.parent == parent)
      ids.push_back(id);
  return ids;
}

std::int64_t task_model::open_subtasks(std::int64_t parent) const {
  return std::ranges::count_if(tasks, [&](auto& x) {
    return x.second.parent == parent && !is_terminal(x.second.state);
  });
}

void task_model::end_subtask(std::int64_t parent, std::int64_t now_ms) {
  auto& task = tasks.at(parent);
  if (task.state != task_state::created || open_subtasks(parent) > 0)
    return;
  if (task.attempt == 0)
    begin_time(task, std::max(now_ms, task.run_at_ms));
  task.expires_at_ms = task.attempt == 0 ? task.expires_at_ms : task.end_by_ms;
  if (task.run_at_ms > now_ms)
    task.state = task.attempt > 0 ? task_state::retryable : task_state::scheduled;
  else
    place(task);
}

bool task_model::cancel_under_way(std::int64_t parent) const {
  return std::ranges::any_of(subtasks_of(parent), [&](auto id) {
    auto& task = tasks.at(id);
    return (task.state == task_state::running && task.cancel_requested) || cancel_under_way(id);
  });
}

bool task_model::needed_since(std::int64_t parent, std::int64_t since_ms) const {
  return std::ranges::any_of(subtasks_of(parent), [&](auto id) {
    auto& task = tasks.at(id);
    return !is_terminal(task.state) || task.finished_at_ms >= since_ms
           || needed_since(id, since_ms);
  });
}

/// After an attempt: it waits if a subtask was started again meanwhile.
void task_model::wait_or(std::int64_t id, task_state state) {
  auto& task = tasks.at(id);
  if (open_subtasks(id) > 0) {
    task.state = task_state::created;
    end_time(task);
    if (!task.gate.empty())
      pump(task.gate);
  } else if (state == task_state::ready) {
    become_ready(task);
  } else {
    task.state = state;
  }
}

void task_model::hold_parent(std::int64_t parent) {
  auto& task = tasks.at(parent);
  if (is_terminal(task.state) || task.state == task_state::running)
    return;
  task.state = task_state::created;
  end_time(task);
  if (!task.gate.empty() && gates.contains(task.gate))
    pump(task.gate);
}

bool task_model::retry_subtasks(std::int64_t parent, std::int64_t now_ms) {
  for (auto id : subtasks_of(parent)) {
    auto state = tasks.at(id).state;
    if (state == task_state::failed || state == task_state::cancelled)
      retry(id, now_ms);
  }
  if (open_subtasks(parent) == 0)
    return false;
  auto& task = tasks.at(parent);
  task.state = task_state::created;
  end_time(task);
  task.run_at_ms = task.created_at_ms;
  return true;
}

} // namespace quire::tests
