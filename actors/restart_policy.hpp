#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

namespace quire::actors {

/// How often and how fast something that ends is started again.
struct restart_limits {
  std::size_t restarts_max = 5;                   ///< In `period`; one more gives up.
  std::chrono::milliseconds period{60'000};
  std::chrono::milliseconds delay_min{200};       ///< Before the first restart.
  std::chrono::milliseconds delay_max{30'000};    ///< The delay doubles with each restart, up to this.
  std::chrono::milliseconds healthy_after{60'000}; ///< So long without an end, and the delay starts over.
};

/// Decides whether and when to start again. Knows no clock: the caller says what
/// time it is.
class restart_policy {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit restart_policy(restart_limits limits = {}) : limits_(limits) {}

  /// Something ended at `now`: returns the delay before its restart, or nothing
  /// if it ended too often.
  std::optional<std::chrono::milliseconds> ended(time_point now) {
    while (!ends_.empty() && now - ends_.front() > limits_.period)
      ends_.pop_front();
    if (last_ && now - *last_ >= limits_.healthy_after)
      delay_ = std::chrono::milliseconds{0};
    last_ = now;
    ends_.push_back(now);
    if (ends_.size() > limits_.restarts_max)
      return std::nullopt;
    delay_ = std::clamp(delay_ * 2, limits_.delay_min, limits_.delay_max);
    return delay_;
  }

private:
  restart_limits limits_;
  std::deque<time_point> ends_;
  std::optional<time_point> last_;
  std::chrono::milliseconds delay_{0};
};

} // namespace quire::actors
