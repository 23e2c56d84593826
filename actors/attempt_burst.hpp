#pragma once

#include "quire/actors/cancel_token.hpp"
#include "quire/messages/types/task.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace quire::actors {

class attempt_report;

/// A claimed task on its way to a worker.
struct attempt {
  std::shared_ptr<const task_assignment> task;
  cancel_token cancel{};
  std::shared_ptr<attempt_report> report{}; ///< What its handler says; null if nobody listens.
};

/// Attempts that one worker runs one after the other. The service that gave them
/// to it may take back those that have not begun, at any time; so which have begun
/// is decided by both without a lock. The first has always begun.
///
/// `begin`, `end` are for the worker's thread, all else for the service's.
class attempt_burst {
public:
  using duration = std::chrono::nanoseconds;

  /// @param attempts at least one.
  explicit attempt_burst(std::vector<attempt> attempts);
  attempt_burst(const attempt_burst&) = delete;
  attempt_burst& operator=(const attempt_burst&) = delete;

  /// Begins the next attempt. Nothing is returned once there is none, or the rest was
  /// taken back.
  const attempt* begin() noexcept;

  /// The attempt that was begun last ended with `outcome` after `took`.
  void end(task_outcome outcome, duration took) noexcept;

  const std::vector<attempt>& attempts() const noexcept { return attempts_; }

  /// Lets no further attempt begin. Returns how many have begun, or will: the first may
  /// not be reached yet.
  std::size_t close() noexcept;

  /// Returns how many have ended: the first so many. Never more later than `close` said.
  std::size_t ended() const noexcept { return ended_.load(std::memory_order_acquire); }

  /// What one of the first `ended()` came to.
  struct result {
    task_outcome outcome;
    duration took{0};
  };

  /// Moves it out.
  result take(std::size_t index) noexcept { return std::move(results_[index]); }

private:
  static constexpr std::uint64_t closed = std::uint64_t{1} << 32;

  std::vector<attempt> attempts_;
  std::vector<result> results_;
  std::atomic<std::uint64_t> begun_{0}; // And whether it is closed.
  std::atomic<std::size_t> ended_{0};
};

} // namespace quire::actors
