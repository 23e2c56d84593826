#pragma once

#include <atomic>
#include <cstddef>

namespace quire::actors {

/// Counts requests that wait, in front of a mailbox that has no bound of its
/// own. Thread-safe.
class admission {
public:
  admission(std::size_t requests_max, std::size_t bytes_max)
    : requests_max_(requests_max), bytes_max_(bytes_max) {}

  /// Counts a request in, unless that would pass a limit. A single request
  /// larger than the limit of bytes is let in when nothing else waits.
  bool enter(std::size_t bytes) noexcept {
    auto requests = requests_.fetch_add(1, std::memory_order_relaxed);
    auto waiting = bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (requests < requests_max_ && (waiting + bytes <= bytes_max_ || requests == 0))
      return true;
    leave(bytes);
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }

  void leave(std::size_t bytes) noexcept {
    requests_.fetch_sub(1, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }

  std::size_t waiting() const noexcept { return requests_.load(std::memory_order_relaxed); }
  std::size_t waiting_bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  std::size_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

private:
  std::size_t requests_max_;
  std::size_t bytes_max_;
  std::atomic<std::size_t> requests_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::size_t> refused_{0};
};

} // namespace quire::actors
