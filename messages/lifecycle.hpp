#pragma once

#include "quire/messages/types/event.hpp"

#include <caf/actor.hpp>

#include <cstdint>
#include <vector>

namespace quire::messages {

/// Asks a service how it is. Reply: `service_status`; never waits for SQLite.
struct status_request {};

/// Asks for the status of everything. Reply: `runtime_status`.
struct runtime_status_request {};

/// Asks a service to take nothing new, finish what runs and quit.
/// Reply: `drained`, when it is done.
struct drain {};
struct drained {};

/// Asks the writer to send `committed` to `subscriber` after each commit that
/// announced something. Reply: `subscribed`. Ends with the subscriber.
struct subscribe {
  caf::actor subscriber;
};
struct subscribed {};

/// Says what became true with a commit.
struct committed {
  std::uint64_t commit_seq = 0;
  std::vector<event> events;
};

/// A timer an actor set for itself. Never part of a public interface.
struct timer {
  std::uint64_t generation = 0; ///< Older than the actor's: the timer is stale.
};

} // namespace quire::messages
