#pragma once

#include "quire/actors/task_rounds.hpp"
#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quire::actors {

/// A round with all that writing it needs.
struct round_order {
  task_round round;
  std::vector<std::string> kinds;               ///< Which tasks may be claimed.
  std::vector<std::chrono::nanoseconds> quick;  ///< What a task of each is expected to take; 0
                                                ///< if it is not claimed ahead.
  std::chrono::nanoseconds ahead_time{0};       ///< What those claimed ahead may take together.
  std::vector<storage::task_claim> known;       ///< Claims that recovery leaves alone.
  storage::tenant_shares shares;                ///< Whose turn it is.
  std::int64_t boot = 0;
  std::int64_t now_ms = 0;
};

/// What writing a round did.
struct round_answer {
  std::vector<storage::finished_attempt> finished; ///< One for each result, in order.
  std::size_t recovered = 0;                       ///< Claims taken back.
  std::optional<std::int64_t> next_due_ms;         ///< When to look although nothing happened.
  std::vector<storage::breaker_change> breakers;   ///< That opened or closed.
  std::vector<task_assignment> claimed;
  storage::tenant_shares shares;                   ///< Whose turn it is after it.
};

/// Writes a round: results first, so that what they make ready is claimed with
/// it.
round_answer write_round(storage::transaction& tx, const round_order& order);

} // namespace quire::actors
