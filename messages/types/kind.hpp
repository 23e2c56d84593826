#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace quire {

/// How often tasks may be started: `burst` at once, and on the long run `count` in each
/// `period`. A token bucket: each start takes a token.
struct rate_limit {
  int count = 10;                           ///< 1 to 100,000; no more than 1000 a second.
  std::chrono::milliseconds period{60'000}; ///< 1 ms to 30 days.
  int burst = 1;                            ///< 1 to 100,000.

  friend bool operator==(const rate_limit&, const rate_limit&) = default;
};

/// What holds for tasks of one kind, in whatever queue they are.
struct kind_policy {
  std::optional<int> limit;        ///< At most so many run at a time, 1 to 100,000; absent: any number.
  std::optional<rate_limit> rate;  ///< Absent: as fast as they come.
  std::string breaker;             ///< Name of the breaker that guards them; empty: none.

  friend bool operator==(const kind_policy&, const kind_policy&) = default;
};

/// A kind of tasks, what was decided about it, and how many of its tasks wait and run.
struct kind_record {
  std::string name;
  kind_policy policy;
  std::int64_t ready = 0;                    ///< Wait for a worker.
  std::int64_t running = 0;                  ///< Claimed for a worker.
  std::optional<std::int64_t> next_start_ms; ///< Of the next task, as the rate is; absent: at once.
};

} // namespace quire
