#include "quire/tests/support/actor_fixture.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

namespace quire::tests {
namespace {

/// Reads the simulated clock of a test scheduler.
class virtual_clock final : public clock_source {
public:
  explicit virtual_clock(caf::scheduler::test_coordinator& scheduler) : scheduler_(&scheduler) {}

  /// Far from 0, so that a forgotten time is seen.
  static constexpr std::int64_t start_unix_ms = 1'700'000'000'000;

  std::int64_t unix_ms() const override {
    using namespace std::chrono;
    auto since = scheduler_->clock().now().time_since_epoch();
    return start_unix_ms + duration_cast<milliseconds>(since).count();
  }

  std::chrono::steady_clock::time_point now() const override {
    return std::chrono::steady_clock::time_point{scheduler_->clock().now().time_since_epoch()};
  }

private:
  caf::scheduler::test_coordinator* scheduler_;
};

} // namespace

actor_fixture::actor_fixture()
  : system(testing(config)), self(system),
    scheduler(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())) {
  env.clock = std::make_shared<virtual_clock>(scheduler);
  env.own_threads = false;
}

caf::actor_system_config& actor_fixture::testing(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("testing"));
  return config;
}

void actor_fixture::settle() {
  while (scheduler.has_job())
    scheduler.run_once();
}

void actor_fixture::advance(std::chrono::milliseconds time, std::chrono::milliseconds step) {
  settle();
  for (auto left = time; left.count() > 0; left -= step) {
    scheduler.advance_time(std::min(step, left));
    settle();
  }
}

} // namespace quire::tests
