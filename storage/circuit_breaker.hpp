#pragma once

#include "quire/messages/types/breaker.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace quire::storage {

/// What a breaker remembers between two results.
struct breaker_memory {
  int failures = 0;                         ///< In succession.
  std::uint64_t recent = 0;                 ///< The last results, the newest lowest; 1 is a failure.
  int recent_count = 0;                     ///< How many of them there are.
  int openings = 0;                         ///< Since it was closed last.
  int successes = 0;                        ///< Of probes, in succession.
  std::optional<std::int64_t> opened_at_ms; ///< Absent: closed.
  std::optional<std::int64_t> probe_at_ms;  ///< Absent although it is open: somebody opened it.

  friend bool operator==(const breaker_memory&, const breaker_memory&) = default;
};

/// Decides whether attempts are started, by how earlier ones ended. Knows no clock: the
/// caller says what time it is, in Unix milliseconds.
class circuit_breaker {
public:
  explicit circuit_breaker(const breaker_policy& policy, const breaker_memory& memory = {})
    : policy_(policy), memory_(memory) {}

  breaker_state state(std::int64_t now_ms) const noexcept;

  /// A clock that was set back must not make it wait for longer: a breaker that opened in what
  /// is the future now is half open. To be called before all else.
  void heed_clock(std::int64_t now_ms) noexcept;

  /// An attempt that was started at `started_ms` ended. While it is not closed only probes
  /// count: results of older attempts say nothing new.
  void saw(bool success, std::int64_t started_ms, std::int64_t now_ms) noexcept;

  /// Opens it until `close` is called.
  void open(std::int64_t now_ms) noexcept;

  void close() noexcept { memory_ = {}; }

  /// Returns how many attempts may be started.
  /// @param running how many probes run.
  std::size_t room(std::size_t running, std::int64_t now_ms) const noexcept;

  /// Returns when it becomes half open, if it is open and will.
  std::optional<std::int64_t> half_open_at(std::int64_t now_ms) const noexcept;

  const breaker_memory& memory() const noexcept { return memory_; }

private:
  void remember(bool success) noexcept;
  bool too_many_failures() const noexcept;
  void trip(std::int64_t now_ms) noexcept;
  std::int64_t wait_ms() const noexcept;

  breaker_policy policy_;
  breaker_memory memory_;
};

} // namespace quire::storage
