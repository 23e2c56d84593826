#pragma once

#include "quire/actors/attempt_burst.hpp"
#include "quire/actors/base.hpp"
#include "quire/messages/worker.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <utility>

namespace quire::tests {

/// Attempts that workers were given; a test ends them when it likes.
struct manual_attempts {
  struct given {
    actors::attempt attempt;
    std::uint64_t number;
    caf::actor worker;
    manual_attempts* all;

    const task_assignment& task() const { return *attempt.task; }
    const actors::cancel_token& cancel() const { return attempt.cancel; }

    /// Its worker goes on when the next messages are handled: a promise may be
    /// used in its own actor only.
    void end(task_outcome outcome) const {
      all->outcomes[number] = std::move(outcome);
      caf::anon_send(worker, messages::timer{number});
    }
  };

  std::uint64_t number_last = 0;
  std::deque<given> running; ///< Of each burst the one that has begun.
  std::map<std::uint64_t, task_outcome> outcomes;
  std::deque<messages::worker_actor> workers;
  std::chrono::nanoseconds took = std::chrono::seconds{1}; ///< What workers say of each attempt.
  std::size_t bursts = 0;                                  ///< Messages to workers.

  given take() {
    auto first = std::move(running.front());
    running.pop_front();
    return first;
  }
};

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
inline void go_on(manual_worker_pointer self, manual_attempts& all,
                  manual_worker_state::unanswered one) {
  auto* next = one.burst->begin();
  if (!next) {
    one.done.deliver({});
    return;
  }
  auto number = ++all.number_last;
  all.running.push_back({*next, number, caf::actor_cast<caf::actor>(self), &all});
  state_of(self).attempts.emplace(number, std::move(one));
}

inline manual_worker_actor::behavior_type manual_worker(manual_worker_pointer self,
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

} // namespace quire::tests
