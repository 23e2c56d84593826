#pragma once

#include <caf/actor.hpp>

#include <string>

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
  std::string unavailable; ///< Why nobody answers; empty if somebody does.
  bool ending = false;     ///< The runtime is about to end: nothing new is begun.
  bool ended = false;      ///< It has failed for good.
};

} // namespace quire::messages
