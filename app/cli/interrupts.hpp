#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace quire::cli {

/// Takes SIGINT, SIGTERM and SIGHUP for as long as it lives: the first one is
/// remembered, the second one ends the process at once with status 130; those that come
/// within half a second of the first one are one with it.
///
/// It must be built while the process has one thread only: those that come
/// later inherit that the signals are blocked, so that none of them is
/// interrupted.
class interrupts {
public:
  interrupts();
  interrupts(const interrupts&) = delete;
  interrupts& operator=(const interrupts&) = delete;
  ~interrupts();

  /// Whether a signal has arrived.
  bool arrived() const noexcept {
    return count_.load() > 0;
  }

private:
  void watch();

  std::atomic<int> count_{0};
  std::chrono::steady_clock::time_point first_at_; ///< The watcher's own.
  int signals_ = -1;
  int stop_ = -1;
  std::thread watcher_;
};

} // namespace quire::cli
