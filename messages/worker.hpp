#pragma once

#include <memory>

namespace quire::actors {
class attempt_burst;
} // namespace quire::actors

namespace quire::messages {

/// Asks a worker to run attempts one after the other, within this process. It may end
/// before it has begun them all, so that none waits for long: see `attempt_burst`.
/// Reply: `burst_done`; always, also for handlers that throw.
struct run_burst {
  std::shared_ptr<actors::attempt_burst> burst;
};

struct burst_done {};

} // namespace quire::messages
