// The part of the model that knows of queues and unique keys.

#include "quire/tests/storage/task_model.hpp"

#include <algorithm>

namespace quire::tests {

void task_model::pause(const std::string& queue) {
  queues[queue].paused = true;
}

void task_model::resume(const std::string& queue) {
  queues[queue].paused = false;
  events.ready = true;
}

void task_model::limit(const std::string& queue, std::optional<int> limit) {
  queues[queue].limit = limit;
  events.ready = true;
}

std::int64_t task_model::count_in(const std::string& queue, task_state state) const {
  return std::ranges::count_if(
    tasks, [&](auto& x) { return x.second.queue == queue && x.second.state == state; });
}

const model_key* task_model::holder_of(const std::string& kind, const std::string& key,
                                       std::int64_t now_ms) const {
  auto found = keys.find({kind, key});
  if (found == keys.end())
    return nullptr;
  auto task = tasks.find(found->second.task);
  bool open = task != tasks.end() && !is_terminal(task->second.state);
  return open || found->second.until_ms > now_ms ? &found->second : nullptr;
}

std::optional<std::int64_t> task_model::settle_duplicate(const task_spec& spec,
                                                         std::int64_t now_ms) {
  auto* holder = spec.unique.key.empty() ? nullptr : holder_of(spec.kind, spec.unique.key, now_ms);
  if (!holder)
    return std::nullopt;
  if (spec.unique.found != on_duplicate::replace)
    return holder->task;
  auto found = tasks.find(holder->task);
  bool waits = found != tasks.end() && !is_terminal(found->second.state)
               && found->second.state != task_state::running
               && !found->second.has_subtasks;
  if (!waits)
    return std::nullopt;
  replace(found->second, spec, now_ms);
  return holder->task;
}

void task_model::replace(model_task& task, const task_spec& spec, std::int64_t now_ms) {
  task.state = task_state::created; // So it holds no place.
  if (gates.contains(task.gate))
    pump(task.gate);
  describe(task, spec);
  task.attempt = 0;
  task.crashes = 0;
  begin_waiting(task, spec, now_ms);
}

bool task_model::take_key_again(std::int64_t id, std::int64_t now_ms) {
  auto& task = tasks.at(id);
  if (task.key.empty())
    return true;
  auto* holder = holder_of(task.kind, task.key, now_ms);
  if (holder && holder->task != id)
    return false;
  if (!holder)
    keys[{task.kind, task.key}] = {id, 0};
  task.overtaken = false;
  return true;
}

void task_model::leave_key(std::int64_t task, std::int64_t now_ms) {
  std::erase_if(keys,
                [&](auto& x) { return x.second.task == task && x.second.until_ms <= now_ms; });
}

void task_model::forget_keys(std::int64_t before_ms) {
  std::erase_if(keys, [&](auto& x) {
    auto task = tasks.find(x.second.task);
    bool open = task != tasks.end() && !is_terminal(task->second.state);
    return x.second.until_ms > 0 && x.second.until_ms <= before_ms && !open;
  });
}

} // namespace quire::tests
