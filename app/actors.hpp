#pragma once

// For programs that are made of actors themselves: talk to a runtime by messages
// (messages/interfaces.hpp) instead of blocking calls.

#include "quire/app/runtime.hpp"
#include "quire/messages/interfaces.hpp"

namespace quire {

/// Returns the address that answers every request, across restarts of what is
/// behind it. Valid until the runtime is closed.
messages::gateway_actor gateway_of(runtime& running);

/// Returns the actor system that the runtime lives in; actors that are spawned in
/// it must end before the runtime is closed.
caf::actor_system& system_of(runtime& running);

} // namespace quire
