#include "quire/app/bridge.hpp"

#include "quire/actors/base.hpp"

#include <algorithm>
#include <deque>

namespace quire {

namespace {

using time_point = std::chrono::steady_clock::time_point;

struct bridge_state {
  bridge_state() = default;

  struct limit {
    time_point deadline;
    std::weak_ptr<pending_answer> answer;
  };

  /// By deadline. Mostly they are answered in order, and go at the front.
  std::deque<limit> limits;
  bool timer_runs = false;
};

using bridge_pointer = caf::stateful_actor<bridge_state>*;

void add_limit(bridge_state& state, const bridge_job& job) {
  auto place = std::upper_bound(state.limits.begin(), state.limits.end(), *job.deadline,
                                [](time_point deadline, auto& x) { return deadline < x.deadline; });
  state.limits.insert(place, {*job.deadline, job.answer});
}

/// Ends those whose time is up, forgets those that are answered, and sees to it
/// that the next deadline is not missed.
void look_at_limits(bridge_pointer self) {
  auto& state = state_of(self);
  auto now = std::chrono::steady_clock::now();
  while (!state.limits.empty()) {
    auto& first = state.limits.front();
    auto answer = first.answer.lock();
    if (answer && first.deadline > now)
      break;
    if (answer)
      answer->expire();
    state.limits.pop_front();
  }
  if (state.limits.empty() || std::exchange(state.timer_runs, true))
    return;
  tell_after(self, state.limits.front().deadline - now, caf::actor_cast<caf::actor>(self),
             messages::timer{});
}

caf::behavior bridge(bridge_pointer self) {
  actors::install_handlers(self, "bridge");
  return {
    [self](const shared_bridge_job& job) {
      if (job->deadline)
        add_limit(state_of(self), *job);
      job->run(self);
      look_at_limits(self);
    },
    [self](messages::timer) {
      state_of(self).timer_runs = false;
      look_at_limits(self);
    },
  };
}

} // namespace

caf::actor spawn_bridge(caf::actor_system& system) {
  return system.spawn(bridge);
}

void settle(const caf::actor& bridge, std::chrono::steady_clock::time_point deadline) {
  auto reached = std::make_shared<std::promise<void>>();
  auto settled = reached->get_future();
  // A bridge that is gone drops the job, and the broken promise is an end, too.
  auto job = std::make_shared<bridge_job>();
  job->run = [kept = std::move(reached)](caf::event_based_actor*) { kept->set_value(); };
  caf::anon_send(bridge, shared_bridge_job{std::move(job)});
  settled.wait_until(deadline);
}

} // namespace quire
