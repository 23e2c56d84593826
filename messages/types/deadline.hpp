#pragma once

#include <algorithm>
#include <chrono>

namespace quire {

/// Nothing is waited for any longer than ten years. Clocks count nanoseconds, and
/// what is added to them must leave them room.
inline constexpr std::chrono::milliseconds longest_wait = std::chrono::hours{24 * 3650};

/// Returns the time that is `timeout` after `now`: `now` if it is negative, and
/// `longest_wait` later if it is longer than that, as `milliseconds::max()` is.
inline std::chrono::steady_clock::time_point deadline_from(
  std::chrono::steady_clock::time_point now, std::chrono::milliseconds timeout) {
  return now + std::clamp(timeout, std::chrono::milliseconds{0}, longest_wait);
}

} // namespace quire
