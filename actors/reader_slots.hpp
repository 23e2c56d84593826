#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace quire::actors {

/// Which reader gets the next request?
struct reader_load {
  bool alive = false;
  int outstanding = 0; ///< Requests it has not answered.
};

/// Returns the living reader with the fewest outstanding requests, the next one
/// after `last` among equals; nothing if none lives or `waiting_max` requests
/// wait already.
inline std::optional<std::size_t> choose_reader(std::span<const reader_load> readers,
                                                std::size_t last, int waiting_max) {
  std::optional<std::size_t> best;
  int waiting = 0;
  for (std::size_t step = 1; step <= readers.size(); ++step) {
    auto index = (last + step) % readers.size();
    auto& candidate = readers[index];
    waiting += std::max(0, candidate.outstanding);
    if (candidate.alive && (!best || candidate.outstanding < readers[*best].outstanding))
      best = index;
  }
  return waiting >= waiting_max ? std::nullopt : best;
}

} // namespace quire::actors
