#include "quire/tests/storage/task_model.hpp"

#include <algorithm>
#include <tuple>

namespace quire::tests {

namespace {

using verdict = task_outcome::verdict;

bool holds_place(const model_task& task) {
  return task.state == task_state::ready || task.state == task_state::running;
}

/// Returns the ids of those `wanted`, smallest `key` first, at most `limit`.
template <class Wanted, class Key>
std::vector<std::int64_t> first_of(const std::map<std::int64_t, model_task>& tasks, Wanted wanted,
                                   Key key, std::size_t limit) {
  std::vector<std::pair<std::int64_t, std::int64_t>> found;
  for (auto& [id, task] : tasks)
    if (wanted(task))
      found.emplace_back(key(task), id);
  std::ranges::sort(found);
  std::vector<std::int64_t> ids;
  for (auto& [ignored, id] : found)
    if (ids.size() < limit)
      ids.push_back(id);
  return ids;
}

} // namespace

std::int64_t task_model::used(const std::string& gate) const {
  return std::ranges::count_if(
    tasks, [&](auto& x) { return x.second.gate == gate && holds_place(x.second); });
}

void task_model::become_ready(model_task& task) {
  task.state = task_state::ready;
  events.ready = true;
}

void task_model::make_gate(const model_task& task) {
  if (!task.gate.empty())
    gates.emplace(task.gate, task.gate_capacity);
}

void task_model::place(model_task& task) {
  make_gate(task);
  if (!task.gate.empty() && used(task.gate) >= gates.at(task.gate))
    task.state = task_state::blocked;
  else
    become_ready(task);
}

void task_model::pump(const std::string& gate) {
  if (gate.empty())
    return;
  auto free = gates.at(gate) - used(gate);
  auto waits = [&](const model_task& x) {
    return x.state == task_state::blocked && x.gate == gate;
  };
  auto ord = [](const model_task& x) { return x.ord; };
  for (auto id :
       first_of(tasks, waits, ord, static_cast<std::size_t>(std::max<std::int64_t>(free, 0))))
    become_ready(tasks.at(id));
}

void task_model::end(std::int64_t id, task_state state, std::int64_t now_ms) {
  auto& task = tasks.at(id);
  task.state = state;
  task.finished_at_ms = now_ms;
  events.tasks.insert(id);
  leave_key(id, now_ms);
  pump(task.gate.empty() || !gates.contains(task.gate) ? "" : task.gate);
  if (task.stage != 0)
    settle(stages.at(task.stage).run, now_ms);
  if (task.parent != 0)
    end_subtask(task.parent, now_ms);
}

void task_model::describe(model_task& task, const task_spec& spec) {
  task.attempts_max = spec.retry.attempts_max;
  task.crashes_max = spec.crashes_max;
  task.kind = spec.kind;
  task.queue = spec.queue;
  task.tenant = spec.tenant;
  task.gate = spec.gate;
  task.gate_capacity = spec.gate_capacity;
  task.retry_delay_ms = std::min(spec.retry.base, spec.retry.cap).count();
  task.start_within_ms = spec.start_within.count();
  task.end_within_ms = spec.end_within.count();
}

void task_model::begin_waiting(model_task& task, const task_spec& spec, std::int64_t now_ms) {
  constexpr std::int64_t head_start[] = {-3'600'000, -600'000, 0, 1'800'000};
  bool due = spec.run_at_ms.value_or(now_ms) <= now_ms;
  task.run_at_ms = due ? task.created_at_ms : *spec.run_at_ms;
  task.ord = std::max(task.created_at_ms, task.run_at_ms)
             + head_start[static_cast<std::size_t>(spec.priority)];
  task.state = spec.subtasks.empty() ? task_state::scheduled : task_state::created;
  task.snoozes = 0;
  end_time(task);
  if (spec.subtasks.empty())
    begin_time(task, due ? now_ms : task.run_at_ms);
  if (due && spec.subtasks.empty())
    place(task);
}

void task_model::enqueue(std::int64_t id, const task_spec& spec, std::int64_t now_ms,
                         std::int64_t stage) {
  auto& task = tasks[id];
  describe(task, spec);
  task.created_at_ms = now_ms;
  task.stage = stage;
  if (stage != 0)
    stages.at(stage).tasks.insert(id);
  task.has_subtasks = !spec.subtasks.empty();
  begin_waiting(task, spec, now_ms);
  // One after the other, each with all of its own before the next.
  for (auto& one : spec.subtasks) {
    auto next = tasks.rbegin()->first + 1;
    enqueue(next, one, now_ms);
    tasks.at(next).parent = id;
  }
  if (spec.unique.key.empty())
    return;
  task.key = spec.unique.key;
  auto& key = keys[{task.kind, task.key}];
  if (auto before = tasks.find(key.task);
      before != tasks.end() && !is_terminal(before->second.state))
    before->second.overtaken = true;
  auto kept_ms = spec.unique.kept_for.count();
  key = {id, kept_ms > 0 ? now_ms + kept_ms : 0};
}

bool task_model::is_running(std::int64_t id, std::int64_t epoch) const {
  auto found = tasks.find(id);
  return found != tasks.end() && found->second.state == task_state::running
         && found->second.epoch == epoch;
}

storage::finished_attempt task_model::finish(std::int64_t id, std::int64_t epoch,
                                             const task_outcome& outcome, std::int64_t retry_at_ms,
                                             std::int64_t now_ms) {
  if (!is_running(id, epoch))
    return {false, tasks.contains(id) ? tasks.at(id).state : task_state::cancelled};
  auto& task = tasks.at(id);
  bool unsuccessful = outcome.what == verdict::failed || outcome.what == verdict::released
                      || outcome.what == verdict::snoozed;
  bool hopeless = outcome.error_kind == error_class::permanent
                  || outcome.error_kind == error_class::poison || task.attempt >= task.attempts_max
                  || (task.end_by_ms && retry_at_ms >= *task.end_by_ms);
  auto attempt = task.attempt;
  bool given_back = false;
  if (unsuccessful && task.cancel_requested) {
    end(id, task_state::cancelled, now_ms);
  } else if (outcome.what == verdict::released) {
    given_back = true;
    --task.attempt;
    wait_or(id, task_state::ready);
  } else if (outcome.what == verdict::snoozed) {
    given_back = true;
    --task.attempt;
    ++task.snoozes;
    std::erase_if(task.history, [](auto& x) { return std::get<2>(x) == "snoozed"; });
    task.run_at_ms = retry_at_ms;
    wait_or(id, task_state::scheduled);
    pump(task.gate);
  } else if (outcome.what == verdict::failed && !hopeless) {
    task.run_at_ms = retry_at_ms;
    wait_or(id, task_state::retryable);
    pump(task.gate);
  } else {
    end(id,
        outcome.what == verdict::completed         ? task_state::completed
        : outcome.what == verdict::partial_success ? task_state::partial_success
        : outcome.what == verdict::failed          ? task_state::failed
                                                   : task_state::cancelled,
        now_ms);
  }
  if (task.state == task_state::completed || task.state == task_state::partial_success)
    task.result = epoch;
  auto told = given_back               ? outcome.what == verdict::snoozed ? "snoozed" : "released"
              : !is_terminal(task.state) ? "failed"
                                                    : std::string{to_string(task.state)};
  if (task.state != task_state::completed)
    task.history.emplace_back(epoch, attempt, told);
  return {true, task.state};
}

void task_model::lose(std::int64_t id, std::int64_t now_ms) {
  auto& task = tasks.at(id);
  ++task.crashes;
  task.history.emplace_back(task.epoch, task.attempt, "crashed");
  if (task.cancel_requested)
    return end(id, task_state::cancelled, now_ms);
  if (task.crashes_max > 0 && task.crashes >= task.crashes_max)
    return end(id, task_state::failed, now_ms);
  --task.attempt;
  wait_or(id, task_state::ready);
}

storage::finished_attempt task_model::crash(std::int64_t id, std::int64_t epoch,
                                            std::int64_t now_ms) {
  bool accepted = is_running(id, epoch);
  if (accepted)
    lose(id, now_ms);
  return {accepted, tasks.contains(id) ? tasks.at(id).state : task_state::cancelled};
}

void task_model::reboot(std::int64_t now_ms) {
  auto runs_now = [](const model_task& x) { return x.state == task_state::running; };
  for (auto id : first_of(
         tasks, runs_now, [](auto&) { return 0; }, tasks.size()))
    lose(id, now_ms);
}

void task_model::promote(std::int64_t now_ms, std::size_t limit) {
  auto due = [&](const model_task& x) {
    return (x.state == task_state::scheduled || x.state == task_state::retryable)
           && x.run_at_ms <= now_ms;
  };
  auto ids = first_of(
    tasks, due, [](auto& x) { return x.run_at_ms; }, limit);
  for (auto id : ids) {
    auto& task = tasks.at(id);
    make_gate(task);
    if (task.gate.empty())
      become_ready(task);
    else
      task.state = task_state::blocked;
  }
  for (auto id : ids)
    pump(tasks.at(id).gate);
}

void task_model::cancel(std::int64_t id, std::int64_t now_ms) {
  auto& task = tasks.at(id);
  task.cancel_requested = true;
  if (task.state == task_state::running)
    return;
  bool waited = task.state == task_state::created;
  end(id, task_state::cancelled, now_ms);
  if (!waited)
    return;
  for (auto one : subtasks_of(id))
    if (!is_terminal(tasks.at(one).state))
      cancel(one, now_ms);
}

bool task_model::retry(std::int64_t id, std::int64_t now_ms) {
  auto& task = tasks.at(id);
  if (cancel_under_way(id) || !take_key_again(id, now_ms))
    return false;
  if (task.stage != 0 && !reopen(task.stage))
    return false;
  // Not terminal any more, for those who count.
  task.state = task_state::created;
  if (task.parent != 0)
    hold_parent(task.parent);
  task.attempt = 0;
  task.crashes = 0;
  task.result = 0;
  task.cancel_requested = false;
  task.snoozes = 0;
  if (retry_subtasks(id, now_ms))
    return true;
  begin_time(task, now_ms);
  place(task);
  return true;
}

bool task_model::say(std::int64_t id, std::int64_t epoch, std::optional<int> percent,
                     const std::string& line) {
  if (!is_running(id, epoch))
    return false;
  auto& task = tasks.at(id);
  if (percent)
    task.progress = {epoch, *percent};
  if (!line.empty())
    task.log.emplace_back(epoch, line);
  return true;
}

std::vector<std::int64_t> task_model::give_up_stuck(std::int64_t claimed_before_ms,
                                                    std::int64_t now_ms, std::size_t limit) {
  auto stuck = [&](const model_task& x) {
    return x.state == task_state::running && x.claimed_at_ms < claimed_before_ms;
  };
  auto ids = first_of(
    tasks, stuck, [](auto& x) { return x.claimed_at_ms; }, limit);
  for (auto id : ids) {
    auto& task = tasks.at(id);
    finish(id, task.epoch, task_outcome::failure("lost", error_class::lost),
           now_ms + task.retry_delay_ms, now_ms);
  }
  return ids;
}

void task_model::prune_tasks(std::int64_t ended_before_ms, std::size_t limit) {
  auto old = [&](const model_task& x) {
    return is_terminal(x.state) && x.stage == 0 && x.parent == 0
           && x.finished_at_ms < ended_before_ms;
  };
  forget_keys(ended_before_ms);
  places found;
  for (auto id : first_of(
         tasks, old, [](auto& x) { return x.finished_at_ms; }, tasks.size()))
    if (!needed_since(id, ended_before_ms) && found.size() < limit)
      found.push_back(id);
  // With all that hangs on them.
  places ids;
  for (auto id : found) {
    if (ids.size() >= limit)
      break;
    auto next = ids.size();
    ids.push_back(id);
    for (; next < ids.size(); ++next)
      for (auto one : subtasks_of(ids[next]))
        ids.push_back(one);
  }
  erase(ids, true);
}

void task_model::erase(const places& ids, bool with_gates) {
  std::set<std::string> left;
  for (auto id : ids) {
    auto& task = tasks.at(id);
    if (!task.gate.empty())
      left.insert(task.gate);
    if (task.stage != 0)
      stages.at(task.stage).tasks.erase(id);
    tasks.erase(id);
  }
  for (auto& gate : left) {
    if (!gates.contains(gate))
      continue;
    pump(gate);
    if (with_gates && used(gate) == 0)
      gates.erase(gate);
  }
}

void task_model::set_capacity(const std::string& gate, int capacity) {
  if (!gates.contains(gate))
    return;
  gates.at(gate) = capacity;
  pump(gate);
}

} // namespace quire::tests
