#pragma once

#include <caf/actor.hpp>

#include <memory>
#include <string>

namespace quire::actors {
class admission;
} // namespace quire::actors

namespace quire::messages {

/// Tells the gateway who answers from now on. A handle that is null: nobody, for
/// now, or, with `failed`, for ever.
struct services {
  caf::actor writer;
  caf::actor readers;
  caf::actor tasks;
  caf::actor pipelines;
  caf::actor maintenance;
  caf::actor supervisor;
  std::shared_ptr<actors::admission> waiting; ///< In front of this writer.
  std::string unavailable;   ///< Why nobody answers; empty if somebody does.
};

} // namespace quire::messages
