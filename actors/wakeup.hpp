#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace quire::actors {

/// Decides when a service needs a timer, so that only one counts at a time. A
/// timer that was started cannot be taken back: an older one is ignored.
class wakeup {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Asks to be woken at `time`, at the latest.
  /// @returns the generation of the timer to start now; nothing if the one that
  ///          is under way is early enough.
  std::optional<std::uint64_t> at(time_point time) {
    if (pending_ && *pending_ <= time)
      return std::nullopt;
    pending_ = time;
    return ++generation_;
  }

  /// A timer of `generation` fired: returns whether it is the one that counts.
  bool fired(std::uint64_t generation) {
    if (!pending_ || generation != generation_)
      return false;
    pending_.reset();
    return true;
  }

private:
  std::optional<time_point> pending_;
  std::uint64_t generation_ = 0;
};

} // namespace quire::actors
