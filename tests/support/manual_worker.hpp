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
    void end(task_outcome outcome) const;
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

/// A worker that adds what it is given to `all`.
messages::worker_actor spawn_manual_worker(caf::actor_system& system,
                                           std::shared_ptr<manual_attempts> all);

} // namespace quire::tests
