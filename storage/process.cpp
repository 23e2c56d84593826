#include "quire/storage/process.hpp"

#include <array>
#include <atomic>

#include <pthread.h>
#include <unistd.h>

namespace quire::storage {

namespace {

std::atomic<std::uint64_t> generation{1};

/// Plus 1: 0 is an empty place.
std::array<std::atomic<int>, 256> descriptors{};

/// In the child, where only what is safe in a signal handler may be called.
void in_child() {
  generation.fetch_add(1);
  for (auto& place : descriptors)
    if (auto number = place.exchange(0); number != 0)
      ::close(number - 1);
}

void watch_forks() noexcept {
  static const int registered = ::pthread_atfork(nullptr, nullptr, in_child);
  static_cast<void>(registered);
}

} // namespace

std::uint64_t process_number() noexcept {
  watch_forks();
  return generation.load(std::memory_order_relaxed);
}

void close_in_children(int descriptor) noexcept {
  watch_forks();
  for (auto& place : descriptors) {
    int empty = 0;
    if (place.compare_exchange_strong(empty, descriptor + 1))
      return;
  }
}

void forget_descriptor(int descriptor) noexcept {
  for (auto& place : descriptors) {
    int known = descriptor + 1;
    if (place.compare_exchange_strong(known, 0))
      return;
  }
}

} // namespace quire::storage
