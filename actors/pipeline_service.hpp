#pragma once

#include "quire/actors/environment.hpp"
#include "quire/messages/interfaces.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quire::actors {

struct pipeline_service_options {
  environment env;
  messages::writer_actor writer;
  messages::reader_pool_actor readers;
  std::int64_t boot = 0;                  ///< Of this process, from `begin_boot`.
  std::int64_t tasks_per_write = 500;     ///< Tasks of a stage created in one request.
  std::size_t outputs_bytes_max = std::size_t{64} << 20; ///< A stage that takes more from another fails.
  std::chrono::milliseconds safety_net{5'000}; ///< How often to look although nothing woke it.
};

/// Spawns `pipeline_execution_service`: creates the tasks of each stage that may
/// start, in portions, so that a crash in the middle loses and repeats nothing.
messages::pipeline_service_actor spawn_pipeline_service(caf::actor_system& system,
                                                        pipeline_service_options options);

} // namespace quire::actors
