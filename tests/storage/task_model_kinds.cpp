// The part of the model that knows of kinds and their breaker. What a bucket and a breaker
// decide has tests of its own: here it matters that claims keep to it.

#include "quire/tests/storage/task_model.hpp"

#include <algorithm>

namespace quire::tests {

namespace {

constexpr std::int64_t many = 1'000'000'000;

/// Returns whether what is behind a breaker answered; nothing if the outcome does not say.
std::optional<bool> answered(const task_outcome& outcome) {
  using verdict = task_outcome::verdict;
  switch (outcome.what) {
    case verdict::completed:
    case verdict::partial_success: return true;
    case verdict::failed:
      return outcome.error_kind != error_class::transient
             && outcome.error_kind != error_class::timeout
             && outcome.error_kind != error_class::dependency_down;
    default: return std::nullopt;
  }
}

} // namespace

void task_model::set_kind(const std::string& kind, const kind_policy& policy) {
  auto& found = kinds[kind];
  if (!policy.rate)
    found.bucket.reset();
  else if (policy.rate != found.rate)
    found.bucket.emplace(*policy.rate, 0);
  found.limit = policy.limit;
  found.rate = policy.rate;
  found.guarded = !policy.breaker.empty();
}

bool task_model::is_guarded(const std::string& kind) const {
  auto found = kinds.find(kind);
  return found != kinds.end() && found->second.guarded;
}

void task_model::saw(std::int64_t id, const task_outcome& outcome, std::int64_t now_ms) {
  auto& task = tasks.at(id);
  if (auto success = answered(outcome); success && is_guarded(task.kind))
    breaker->saw(*success, task.claimed_at_ms, now_ms);
}

std::int64_t task_model::count_kind(const std::string& kind, task_state state) const {
  return std::ranges::count_if(
    tasks, [&](auto& x) { return x.second.kind == kind && x.second.state == state; });
}

std::int64_t task_model::room_of_kind(const std::string& kind, std::int64_t now_ms) const {
  auto found = kinds.find(kind);
  if (found == kinds.end())
    return many;
  auto room = many;
  if (found->second.limit)
    room = *found->second.limit - count_kind(kind, task_state::running);
  if (found->second.bucket)
    room = std::min(room, static_cast<std::int64_t>(found->second.bucket->tokens(now_ms * 1000)));
  return room;
}

std::int64_t task_model::room_of_breaker(std::int64_t now_ms) const {
  if (!breaker || breaker->state(now_ms) == breaker_state::closed)
    return many;
  if (breaker->state(now_ms) == breaker_state::open)
    return 0;
  auto probes = std::ranges::count_if(tasks, [&](auto& x) {
    auto& task = x.second;
    return task.state == task_state::running && is_guarded(task.kind)
           && task.claimed_at_ms >= *breaker->memory().probe_at_ms;
  });
  return static_cast<std::int64_t>(breaker->room(static_cast<std::size_t>(probes), now_ms));
}

} // namespace quire::tests
