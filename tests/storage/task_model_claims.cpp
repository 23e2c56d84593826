// The part of the model that knows which tasks are claimed.

#include "quire/tests/storage/task_model.hpp"

#include <algorithm>
#include <tuple>

namespace quire::tests {

std::int64_t task_model::count_of(const std::string& tenant, task_state state) const {
  return std::ranges::count_if(
    tasks, [&](auto& x) { return x.second.tenant == tenant && x.second.state == state; });
}

/// Returns the place in `left` of the next one: whose tenant's turn it is, if there are several.
std::optional<std::int64_t> task_model::next_claim(const std::vector<std::int64_t>& left,
                                                   bool by_turns) const {
  auto rank = [&](std::int64_t id) {
    auto& task = tasks.at(id);
    auto pass = passes.find(task.tenant);
    double stands = pass == passes.end() ? turn : std::max(turn, pass->second);
    return std::tuple{by_turns ? stands : 0, task.ord, id};
  };
  if (left.empty())
    return std::nullopt;
  return std::ranges::min_element(left, {}, rank) - left.begin();
}

std::vector<std::int64_t> task_model::claim(std::size_t count, std::int64_t now_ms) {
  constexpr std::int64_t many = 1'000'000'000;
  std::map<std::string, std::int64_t> of_queue;
  std::map<std::string, std::int64_t> of_tenant;
  std::map<std::string, std::int64_t> of_kind;
  auto of_breaker = room_of_breaker(now_ms);
  auto has_room = [&](const model_task& task) {
    return of_queue[task.queue] > 0 && of_tenant[task.tenant] > 0 && of_kind[task.kind] > 0
           && (of_breaker > 0 || !is_guarded(task.kind));
  };
  std::vector<std::int64_t> left;
  std::set<std::string> waiting;
  for (auto& [id, task] : tasks) {
    if (task.state != task_state::ready
        || (task.expires_at_ms && *task.expires_at_ms <= now_ms))
      continue;
    auto& queue = queues[task.queue];
    auto& tenant = tenants[task.tenant];
    of_queue[task.queue] = queue.paused ? 0
                           : queue.limit
                             ? *queue.limit - count_in(task.queue, task_state::running)
                             : many;
    of_tenant[task.tenant] = tenant.paused ? 0
                             : tenant.limit
                               ? *tenant.limit - count_of(task.tenant, task_state::running)
                               : many;
    of_kind.try_emplace(task.kind, room_of_kind(task.kind, now_ms));
    if (!has_room(task))
      continue;
    left.push_back(id);
    waiting.insert(task.tenant);
  }
  std::vector<std::int64_t> ids;
  while (ids.size() < count) {
    auto next = next_claim(left, waiting.size() > 1);
    if (!next)
      break;
    auto id = left[static_cast<std::size_t>(*next)];
    left.erase(left.begin() + *next);
    auto& task = tasks.at(id);
    if (!has_room(task))
      continue;
    --of_queue[task.queue];
    --of_tenant[task.tenant];
    --of_kind[task.kind];
    of_breaker -= is_guarded(task.kind);
    if (auto kind = kinds.find(task.kind); kind != kinds.end() && kind->second.bucket)
      kind->second.bucket->take(1, now_ms * 1000);
    if (waiting.size() > 1) {
      auto& pass = passes[task.tenant];
      turn = std::max(turn, pass);
      pass = turn + static_cast<double>(1'000'000 / tenants[task.tenant].weight);
    }
    task.state = task_state::running;
    ++task.attempt;
    ++task.epoch;
    task.claimed_at_ms = now_ms;
    task.expires_at_ms = task.end_by_ms;
    ids.push_back(id);
  }
  return ids;
}

} // namespace quire::tests
