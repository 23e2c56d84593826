#include "quire/actors/worker.hpp"

#include "quire/actors/attempt_burst.hpp"
#include "quire/actors/attempt_report.hpp"
#include "quire/actors/base.hpp"
#include "quire/actors/run_attempt.hpp"
#include "quire/actors/task_stock.hpp"
#include "quire/messages/worker.hpp"

#include <utility>

namespace quire::actors {

namespace {

using namespace messages;

constexpr auto service_name = "worker";

struct worker_state {
  worker_state() = default;
  static inline const char* name = service_name;

  worker_options options;
  std::int64_t attempts = 0;
};

using worker_pointer = worker_actor::stateful_pointer<worker_state>;

// Runs what it can before the results should be on their way.
void run(worker_state& state, attempt_burst& burst) {
  auto& clock = *state.options.env.clock;
  auto begun = clock.now();
  auto last = begun;
  while (last - begun < task_stock::burst_time) {
    auto* one = burst.begin();
    if (!one)
      return;
    ++state.attempts;
    auto outcome = run_attempt(*state.options.handlers, *one, state.options.env.clock,
                               state.options.steps);
    // What is written for it is a part of the attempt.
    if (one->report)
      one->report->sign_of_life(clock.now());
    state.options.large.settle(*one->task, outcome);
    auto now = clock.now();
    burst.end(std::move(outcome), now - last);
    last = now;
  }
}

worker_actor::behavior_type worker(worker_pointer self, worker_options options) {
  state_of(self).options = std::move(options);
  install_handlers(self, service_name);
  return {
    [self](status_request) {
      return service_status{
        service_name, "running", 0, {{"attempts", state_of(self).attempts}}, {}};
    },
    [self](drain) {
      self->quit();
      return drained{};
    },
    [self](const run_burst& request) {
      run(state_of(self), *request.burst);
      return burst_done{};
    },
  };
}

} // namespace

messages::worker_actor spawn_worker(caf::actor_system& system, worker_options options) {
  // Handlers may block as long as they like.
  if (options.env.own_threads)
    return system.spawn<caf::detached>(worker, std::move(options));
  return system.spawn(worker, std::move(options));
}

} // namespace quire::actors
