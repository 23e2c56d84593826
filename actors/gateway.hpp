#pragma once

#include "quire/actors/read_port.hpp"
#include "quire/actors/write_port.hpp"
#include "quire/messages/interfaces.hpp"

#include <memory>

namespace quire::actors {

struct gateway_options {
  std::shared_ptr<write_port> writes;   ///< Where requests that write wait; null without a writer.
  std::shared_ptr<read_port> reads;     ///< Where those that read wait; null without readers.
  durability sync = durability::normal; ///< For requests that do not say.
};

/// Spawns the gateway. Services answer `errc::unavailable` until the supervisor tells it
/// who is there; it also gives up requests whose deadline has passed.
messages::gateway_actor spawn_gateway(caf::actor_system& system, gateway_options options = {});

/// Returns a handle for clients of `gateway`: what they send to be written or read goes to
/// its port on the thread of the sender, which saves a turn of the scheduler; all else goes
/// to the gateway.
messages::gateway_actor gateway_for_clients(caf::actor_system& system,
                                            const messages::gateway_actor& gateway,
                                            const gateway_options& options);

} // namespace quire::actors
