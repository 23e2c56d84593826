#pragma once

#include "quire/messages/interfaces.hpp"

namespace quire::actors {

/// Spawns the gateway, which answers `errc::unavailable` until the supervisor
/// tells it who is there.
messages::gateway_actor spawn_gateway(caf::actor_system& system);

} // namespace quire::actors
