#pragma once

#include "quire/messages/types/clock_source.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace quire::actors {

/// What every actor gets from outside instead of taking it by itself, so that
/// the whole runtime also runs in one thread, on a simulated clock, with equal
/// results for equal seeds.
struct environment {
  std::shared_ptr<const clock_source> clock;
  std::uint64_t seed = 1;      ///< Of all randomness (the jitter of delays).
  bool own_threads = true;     ///< Whether actors that block get a thread of their own.
  std::chrono::milliseconds request_timeout{60'000}; ///< Of requests between actors.
};

} // namespace quire::actors
