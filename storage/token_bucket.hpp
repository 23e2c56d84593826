#pragma once

#include "quire/messages/types/kind.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace quire::storage {

/// How many tasks may be started now, as a rate says. The whole state is one number: the
/// time at which the bucket is full again (the generic cell rate algorithm, ITU-T I.371).
/// Knows no clock: the caller says what time it is, in Unix microseconds.
class token_bucket {
public:
  /// @param full_at_us as `full_at_us()` returned it; 0 for a full bucket.
  token_bucket(const rate_limit& rate, std::int64_t full_at_us)
    : token_us_(std::max<std::int64_t>(rate.period.count() * 1000 / rate.count, 1)),
      burst_(rate.burst), full_at_us_(std::max<std::int64_t>(full_at_us, 0)) {}

  /// Returns how many tokens there are.
  std::size_t tokens(std::int64_t now_us) const noexcept {
    return static_cast<std::size_t>(burst_ - (missing_us(now_us) + token_us_ - 1) / token_us_);
  }

  /// A bucket that was emptied in what is the future now is empty. Returns whether it was.
  bool heed_clock(std::int64_t now_us) noexcept {
    auto latest = now_us + burst_ * token_us_;
    if (full_at_us_ <= latest)
      return false;
    full_at_us_ = latest;
    return true;
  }

  /// Takes `count` tokens, no more than there are.
  void take(std::size_t count, std::int64_t now_us) noexcept {
    full_at_us_ = now_us + missing_us(now_us) + static_cast<std::int64_t>(count) * token_us_;
  }

  /// Returns when there is a token: `now_us` if there is one.
  std::int64_t next_us(std::int64_t now_us) const noexcept {
    return now_us + std::max<std::int64_t>(missing_us(now_us) - (burst_ - 1) * token_us_, 0);
  }

  std::int64_t full_at_us() const noexcept { return full_at_us_; }

private:
  // What the bucket needs to be full.
  std::int64_t missing_us(std::int64_t now_us) const noexcept {
    return std::clamp<std::int64_t>(full_at_us_ - now_us, 0, burst_ * token_us_);
  }

  std::int64_t token_us_; // So long it takes for one.
  std::int64_t burst_;
  std::int64_t full_at_us_;
};

} // namespace quire::storage
