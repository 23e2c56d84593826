#pragma once

#include <memory>

namespace quire::messages {

/// Set by the gateway: as long as a copy of it lives, the request that it came
/// with is counted among those that wait. Stays within the process.
using admission_ticket = std::shared_ptr<const void>;

} // namespace quire::messages
