#pragma once

#include "quire/actors/environment.hpp"
#include "quire/actors/restart_policy.hpp"
#include "quire/messages/interfaces.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace quire::actors {

/// What one service is and how it is started. `start` gets the handles that the
/// services before it have now, and stores its own there.
struct child_spec {
  std::string name;
  std::function<caf::actor(caf::actor_system&, messages::services& handles)> start;
  std::chrono::milliseconds stop_timeout{20'000}; ///< For its drain; then it is killed.
};

struct supervisor_options {
  environment env;
  std::string database;                    ///< For the status.
  std::int64_t boot = 0;
  std::vector<child_spec> children;        ///< In start order.
  restart_limits limits;
  messages::gateway_actor gateway;
  std::function<void(const std::string&)> on_failed; ///< Called once when it gives up.
};

/// Starts the children in order and returns their supervisor. A child that ends
/// takes everything after it along, and all of them are started again in order
/// (rest for one: each may use what is before it), after a delay that grows.
/// Children that end too often are not started again: the runtime has failed,
/// everybody is answered `unavailable`. Draining stops them in reverse order.
/// @throws storage::error if a child cannot be started the first time.
messages::supervisor_actor spawn_supervisor(caf::actor_system& system, supervisor_options options);

} // namespace quire::actors
