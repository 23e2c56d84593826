#include "quire/app/bridge.hpp"

#include "quire/actors/base.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace quire {

namespace {

struct bridge_state {
  bridge_state() = default;

  std::shared_ptr<answer_limits> limits;
};

using bridge_pointer = caf::stateful_actor<bridge_state>*;

void look_at_limits(bridge_pointer self) {
  auto now = std::chrono::steady_clock::now();
  if (auto next = state_of(self).limits->look(now))
    tell_after(self, *next - now, caf::actor_cast<caf::actor>(self), messages::timer{});
}

caf::behavior bridge(bridge_pointer self, std::shared_ptr<answer_limits> limits) {
  actors::install_handlers(self, "bridge");
  state_of(self).limits = std::move(limits);
  return {
    [self](const shared_bridge_job& job) {
      if (!job->run)
        return look_at_limits(self); // Whoever added a limit could not set a timer.
      if (job->deadline && state_of(self).limits->add(*job->deadline, job->answer))
        look_at_limits(self);
      job->run(self);
    },
    [self](messages::timer) { look_at_limits(self); },
  };
}

} // namespace

bool answer_limits::add(time_point deadline, std::weak_ptr<pending_answer> answer) {
  std::lock_guard guard(mutex_);
  while (!limits_.empty() && limits_.front().answer.expired())
    limits_.pop_front();
  auto place = std::upper_bound(limits_.begin(), limits_.end(), deadline,
                                [](time_point wanted, auto& x) { return wanted < x.deadline; });
  limits_.insert(place, {deadline, std::move(answer)});
  // A timer that is set for a later one would come too late.
  if (watched_ && deadline >= next_look_)
    return false;
  next_look_ = deadline;
  watched_ = true;
  return true;
}

std::optional<answer_limits::time_point> answer_limits::look(time_point now) {
  // Nobody is called with the lock: who is given up may ask again at once.
  std::vector<std::shared_ptr<pending_answer>> late;
  std::optional<time_point> next;
  {
    std::lock_guard guard(mutex_);
    while (!limits_.empty()) {
      auto answer = limits_.front().answer.lock();
      if (answer && limits_.front().deadline > now)
        break;
      if (answer)
        late.push_back(std::move(answer));
      limits_.pop_front();
    }
    watched_ = !limits_.empty();
    if (watched_)
      next = next_look_ = limits_.front().deadline;
  }
  for (auto& one : late)
    one->expire();
  return next;
}

caf::actor spawn_bridge(caf::actor_system& system, std::shared_ptr<answer_limits> limits) {
  return system.spawn(bridge, std::move(limits));
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
