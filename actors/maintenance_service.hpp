#pragma once

#include "quire/actors/environment.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/storage/result_files.hpp"

#include <chrono>
#include <optional>

namespace quire::actors {

struct maintenance_service_options {
  environment env;
  messages::writer_actor writer;
  messages::reader_pool_actor readers;
  std::chrono::milliseconds interval{3'600'000};       ///< 0: only at start and on request.
  std::chrono::hours retention{24 * 30};               ///< 0: keep for ever.
  std::chrono::milliseconds stuck_after{7'200'000};    ///< 0: never.
  std::chrono::milliseconds key_retention{86'400'000}; ///< How long idempotency keys count.
  std::optional<storage::result_files> outputs{};      ///< Large ones; absent: there are none.
  int rows_per_write = 500; ///< Deleted in one request, so that others get their turn.
};

/// Spawns `maintenance_service`: at start, periodically and on request it gives
/// up stuck tasks, deletes orphans and what is older than the retention,
/// checkpoints and lets SQLite refresh its statistics. Each operation by itself:
/// one that fails does not keep the others from running.
messages::maintenance_service_actor spawn_maintenance_service(caf::actor_system& system,
                                                              maintenance_service_options options);

} // namespace quire::actors
