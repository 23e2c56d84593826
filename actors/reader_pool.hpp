#pragma once

#include "quire/actors/reader.hpp"

#include <cstddef>

namespace quire::actors {

struct reader_pool_options {
  environment env;
  std::function<storage::connection()> open;
  std::chrono::milliseconds query_limit{30'000};
  int readers = 2;
  int waiting_max = 10'000;                  ///< Requests at all readers together before `overloaded`.
};

/// Spawns the pool: gives each request to the reader with the fewest, replaces
/// readers that died, refuses past the limit.
messages::reader_pool_actor spawn_reader_pool(caf::actor_system& system, reader_pool_options options);

} // namespace quire::actors
