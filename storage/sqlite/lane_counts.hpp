#pragma once

#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace quire::storage {

/// How many tasks of a queue, kind and tenant have not ended. Those that wait for their
/// subtasks are not counted.
struct lane_counts {
  std::string queue;
  std::string kind;
  std::string tenant;
  std::int64_t ready = 0;
  std::int64_t running = 0;
  std::int64_t blocked = 0;
  std::int64_t scheduled = 0; ///< Or wait for their next attempt.
};

/// Returns the counts of all lanes there ever were a task of. Counts by the indexes of what
/// waits and runs: a tenth of a second for a million of them, nothing for those that have ended.
std::vector<lane_counts> count_lanes(snapshot& db);

} // namespace quire::storage
