#pragma once

#include "quire/messages/types/deadline.hpp"

#include <chrono>

namespace quire {

/// Returns the time that is `timeout` from now, within the bounds of `deadline_from`.
inline std::chrono::steady_clock::time_point deadline_after(std::chrono::milliseconds timeout) {
  return deadline_from(std::chrono::steady_clock::now(), timeout);
}

} // namespace quire
