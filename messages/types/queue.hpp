#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace quire {

/// A queue, what was decided about it, and how many of its tasks wait and run. Queues come
/// into being with their first task, or with the first decision about them.
struct queue_record {
  std::string name;
  std::optional<std::int64_t> paused_at_ms;  ///< Since when no task of it is started; absent: they are.
  std::optional<int> limit;                  ///< At most so many of its tasks run at a time; absent: any
                                             ///< number.
  std::int64_t ready = 0;                    ///< Wait for a worker.
  std::int64_t running = 0;                  ///< Claimed for a worker.
  std::int64_t blocked = 0;                  ///< Wait for a place in their gate.
  std::int64_t scheduled = 0;                ///< Wait for their time, or for their next attempt.
};

} // namespace quire
