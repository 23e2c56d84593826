#pragma once

#include "quire/actors/task_handler.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/tests/simulation/ledger.hpp"
#include "quire/tests/support/seeded.hpp"

#include <map>
#include <string>
#include <vector>

namespace quire::tests {

/// A result that a handler returned, under the text of its output, which no
/// other result has.
struct returned_result {
  task_id task;
  std::int64_t epoch = 0;
  task_outcome::verdict what = task_outcome::verdict::completed;
};

/// What is known outside of the database, over all lives.
struct outside_world {
  explicit outside_world(std::uint64_t seed, bool shown) : choice(seed), events(shown) {}

  seeded_choice choice;
  trace events;
  ledger rows{"row", 2};
  ledger tasks{"task", 1};
  ledger runs{"run", 1};
  std::map<std::string, returned_result> results;
  std::vector<std::string> violations;
  durability sync = durability::full; ///< Of requests that do not say.
};

/// Handlers that succeed in full or in part, fail, throw or give back.
task_handlers simulated_handlers(outside_world& world);

/// Counts the clients of one life that are not done.
struct client_group {
  outside_world* world = nullptr;
  messages::gateway_actor gateway;
  int busy = 0;
  bool may_schedule = true; ///< Tasks for ever.
  std::vector<task_id> tasks; ///< That were confirmed in this life.
  std::vector<run_id> runs;
};

/// Starts a client that does `actions` random things one after another.
caf::actor spawn_client(caf::actor_system& system, client_group& group, int actions);

} // namespace quire::tests
