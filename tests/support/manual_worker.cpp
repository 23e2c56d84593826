#include "quire/tests/support/manual_worker.hpp"

#include "quire/actors/base.hpp"

#include <map>
#include <memory>
#include <utility>

namespace quire::tests {
namespace {

struct manual_worker_state {
  struct unanswered {
    std::shared_ptr<actors::attempt_burst> burst;
    actors::promise<messages::burst_done> done;
  };

  manual_worker_state() = default;
  static inline const char* name = "manual_worker";

  std::map<std::uint64_t, unanswered> attempts;
};

using manual_worker_actor = messages::worker_actor::extend<on<void(messages::timer)>>;
using manual_worker_pointer = manual_worker_actor::stateful_pointer<manual_worker_state>;

/// Begins the next attempt of a burst, or answers.
void go_on(manual_worker_pointer self, manual_attempts& all, manual_worker_state::unanswered one) {
  auto* next = one.burst->begin();
  if (!next) {
    one.done.deliver({});
    return;
  }
  auto number = ++all.number_last;
  all.running.push_back({*next, number, caf::actor_cast<caf::actor>(self), &all});
  state_of(self).attempts.emplace(number, std::move(one));
}

manual_worker_actor::behavior_type manual_worker(manual_worker_pointer self,
                                                 std::shared_ptr<manual_attempts> all) {
  using namespace messages;
  actors::install_handlers(self, "manual_worker");
  return {
    [](status_request) { return service_status{}; },
    [self](drain) {
      self->quit();
      return drained{};
    },
    [=](const run_burst& request) -> caf::result<burst_done> {
      ++all->bursts;
      go_on(self, *all, {request.burst, actors::promise_to_sender<burst_done>(self)});
      return caf::delegated<burst_done>{};
    },
    [=](timer ended) {
      auto one = state_of(self).attempts.extract(ended.generation);
      one.mapped().burst->end(all->outcomes.at(ended.generation), all->took);
      go_on(self, *all, std::move(one.mapped()));
    },
  };
}

} // namespace

void manual_attempts::given::end(task_outcome outcome) const {
  all->outcomes[number] = std::move(outcome);
  caf::anon_send(worker, messages::timer{number});
}

messages::worker_actor spawn_manual_worker(caf::actor_system& system,
                                           std::shared_ptr<manual_attempts> all) {
  return system.spawn(manual_worker, std::move(all));
}

} // namespace quire::tests
