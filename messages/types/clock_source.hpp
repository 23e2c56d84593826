#pragma once

#include <chrono>
#include <cstdint>

namespace quire {

/// Where all of Quire gets the time from. Thread-safe.
class clock_source {
public:
  virtual ~clock_source() = default;

  /// Unix time in milliseconds: for what is stored.
  virtual std::int64_t unix_ms() const = 0;

  /// A clock that never goes back: for deadlines and durations.
  virtual std::chrono::steady_clock::time_point now() const = 0;
};

/// The clocks of the machine.
class system_clock_source final : public clock_source {
public:
  std::int64_t unix_ms() const override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }

  std::chrono::steady_clock::time_point now() const override {
    return std::chrono::steady_clock::now();
  }
};

} // namespace quire
