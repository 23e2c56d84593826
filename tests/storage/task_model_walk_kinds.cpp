// The part of the walk that has to do with kinds and their breaker.

#include "quire/storage/sqlite/kind_store.hpp"
#include "quire/tests/storage/task_model_walk.hpp"

namespace quire::tests {

namespace {

constexpr const char* breaker_name = "service";

breaker_policy policy_of_breaker() {
  breaker_policy policy;
  policy.failures = 2;
  policy.window = 5;
  policy.window_percent = 40;
  policy.open_for = std::chrono::milliseconds{15};
  policy.probes = 2;
  policy.successes = 2;
  return policy;
}

} // namespace

void task_walk::decide_on_kind(transaction& tx) {
  std::string kind = chance(50) ? "work" : "other";
  kind_policy policy;
  if (chance(30))
    policy.limit = 1 + static_cast<int>(below(6));
  if (chance(20))
    policy.rate = rate_limit{1 + static_cast<int>(below(3)), std::chrono::milliseconds{10},
                             1 + static_cast<int>(below(5))};
  if (chance(60)) {
    policy.breaker = breaker_name;
    if (!model_.breaker) {
      storage::put_breaker(tx, breaker_name, policy_of_breaker(), now);
      model_.breaker.emplace(policy_of_breaker());
    }
  }
  storage::set_kind_policy(tx, kind, policy, now);
  model_.set_kind(kind, policy);
}

void task_walk::free_kinds(transaction& tx) {
  for (std::string kind : {"work", "other"}) {
    storage::set_kind_policy(tx, kind, {}, now);
    model_.set_kind(kind, {});
  }
}

void task_walk::tell_breaker(storage::breaker_results& results, task_id task,
                             const storage::finished_attempt& end, const task_outcome& outcome) {
  if (!end.accepted || end.state == task_state::cancelled)
    return;
  auto before = model_.breaker ? model_.breaker->state(now) : breaker_state::closed;
  results.saw(task, outcome);
  model_.saw(task.value, outcome, now);
  opened += model_.breaker && before == breaker_state::closed
            && model_.breaker->state(now) == breaker_state::open;
}

void task_walk::check_kinds() {
  auto snapshot = view();
  for (auto& x : storage::list_kinds(snapshot, now)) {
    auto& kind = model_.kinds[x.name];
    require(x.policy.limit == kind.limit && x.policy.rate == kind.rate
              && x.policy.breaker.empty() == !kind.guarded
              && x.ready == model_.count_kind(x.name, task_state::ready)
              && x.running == model_.count_kind(x.name, task_state::running),
            "is listed otherwise: kind " + x.name);
  }
  for (auto& x : storage::list_breakers(snapshot, now))
    require(x.state == model_.breaker->state(now)
              && x.failures == model_.breaker->memory().failures
              && x.opened_at_ms == model_.breaker->memory().opened_at_ms,
            "is in another state: breaker " + x.name);
}

} // namespace quire::tests
