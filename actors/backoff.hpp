#pragma once

#include "quire/messages/types/task.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace quire::actors {

/// Returns the delay before the attempt after `failed_attempts` failures.
/// @param random a number from [0, 1) that chooses the jitter.
inline std::chrono::milliseconds backoff_delay(const retry_policy& policy, int failed_attempts,
                                               double random) {
  // 0 times an overflowed power would be no number.
  if (policy.base.count() <= 0)
    return std::chrono::milliseconds{0};
  auto delay = static_cast<double>(policy.base.count())
               * std::pow(policy.factor, std::max(0, failed_attempts - 1));
  delay = std::min(delay, static_cast<double>(policy.cap.count()));
  delay += delay * policy.jitter * random;
  return std::chrono::milliseconds{static_cast<std::int64_t>(delay)};
}

} // namespace quire::actors
