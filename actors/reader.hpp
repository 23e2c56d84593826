#pragma once

#include "quire/actors/environment.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/storage/sqlite/connection.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

namespace quire::actors {

struct reader_options {
  environment env;
  std::function<storage::connection()> open;        ///< Opens a read-only connection.
  std::chrono::milliseconds query_limit{30'000};    ///< A longer query ends with `errc::timeout`.
  std::shared_ptr<std::atomic<int>> outstanding;    ///< Requests given to this reader and not answered.
};

/// Spawns a reader: it opens a snapshot when something waits, answers all that
/// was already there, and closes it.
messages::reader_actor spawn_reader(caf::actor_system& system, reader_options options);

} // namespace quire::actors
