#pragma once

#include "quire/actors/base.hpp"
#include "quire/actors/cancel_token.hpp"
#include "quire/messages/worker.hpp"

#include <deque>
#include <map>
#include <memory>
#include <utility>

namespace quire::tests {

/// Attempts that workers were given; a test ends them when it likes.
struct manual_attempts {
  struct given {
    messages::attempt attempt;
    std::uint64_t number;
    caf::actor worker;
    manual_attempts* all;

    const task_assignment& task() const { return *attempt.task; }
    const actors::cancel_token& cancel() const { return *attempt.cancel; }

    /// Its worker answers when the next messages are handled: a promise may be
    /// used in its own actor only.
    void end(task_outcome outcome) const {
      all->outcomes[number] = std::make_shared<const task_outcome>(std::move(outcome));
      caf::anon_send(worker, messages::timer{number});
    }
  };

  std::uint64_t number_last = 0;
  std::deque<given> running;
  std::map<std::uint64_t, std::shared_ptr<const task_outcome>> outcomes;
  std::deque<messages::worker_actor> workers;

  given take() {
    auto first = std::move(running.front());
    running.pop_front();
    return first;
  }
};

struct manual_worker_state {
  struct unanswered {
    messages::attempt attempt;
    actors::promise<messages::attempt_report> report;
  };

  manual_worker_state() = default;
  static inline const char* name = "manual_worker";

  std::map<std::uint64_t, unanswered> attempts;
};

using manual_worker_actor = messages::worker_actor::extend<on<void(messages::timer)>>;

inline manual_worker_actor::behavior_type
manual_worker(manual_worker_actor::stateful_pointer<manual_worker_state> self,
              std::shared_ptr<manual_attempts> all) {
  using namespace messages;
  actors::install_handlers(self, "manual_worker");
  return {
    [](status_request) { return service_status{}; },
    [self](drain) {
      self->quit();
      return drained{};
    },
    [=](const attempt& request) -> caf::result<attempt_report> {
      auto number = ++all->number_last;
      state_of(self).attempts[number] = {request, actors::promise_to_sender<attempt_report>(self)};
      all->running.push_back({request, number, caf::actor_cast<caf::actor>(self), all.get()});
      return caf::delegated<attempt_report>{};
    },
    [=](timer ended) {
      auto& one = state_of(self).attempts.at(ended.generation);
      one.report.deliver({one.attempt.task->id, one.attempt.task->epoch, all->outcomes.at(ended.generation)});
    },
  };
}

} // namespace quire::tests
