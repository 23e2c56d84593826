#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quire::actors {

/// What maintenance does, in this order.
enum class upkeep_operation : std::uint8_t {
  stuck_tasks, ///< Give up tasks that have run for too long.
  orphans,     ///< Delete tasks whose stage is gone.
  old_tasks,   ///< Delete tasks that ended before the retention.
  old_runs,    ///< The same for runs, with all that belongs to them.
  old_outputs, ///< Remove files of outputs that no task names any more.
  old_keys,    ///< Forget idempotency keys that count no more.
  checkpoint,  ///< Move the log into the database file, and empty it.
  optimize,    ///< Let SQLite refresh its statistics.
};

std::string to_string(upkeep_operation operation);

/// What one operation did.
struct upkeep_result {
  upkeep_operation operation = upkeep_operation::stuck_tasks;
  std::int64_t started_at_ms = 0;
  std::int64_t ended_at_ms = 0;
  std::int64_t rows = 0;
  std::string error; ///< Empty if it succeeded.
};

/// Decides when a pass of maintenance is due, and which operation is next in it.
/// An operation that fails ends; the next one follows. Knows no clock.
class upkeep_plan {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// @param operations those that are not switched off, in order.
  /// @param interval between the beginnings of two passes; 0: only on request.
  upkeep_plan(std::vector<upkeep_operation> operations, std::chrono::milliseconds interval)
    : operations_(std::move(operations)), interval_(interval) {}

  bool running() const noexcept { return next_ > 0; }

  /// Begins a pass and returns its first operation. Nothing is returned if one
  /// is running, which serves everybody, or if there is nothing to do at all.
  std::optional<upkeep_operation> begin(time_point now, std::int64_t now_ms);

  /// A portion of the operation is done and took `rows`. Returns whether it goes
  /// on with another one: deleting operations end with a portion of nothing.
  bool portion_done(std::int64_t rows);

  /// The operation ended, by itself or with `error`. Returns what it did.
  upkeep_result end_operation(std::string error, std::int64_t now_ms);

  /// Returns the next operation of the pass; nothing ends the pass.
  std::optional<upkeep_operation> next_operation(std::int64_t now_ms);

  /// Returns when the next pass is due, if ever.
  std::optional<time_point> due() const noexcept { return due_; }

private:
  std::vector<upkeep_operation> operations_;
  std::chrono::milliseconds interval_;
  std::size_t next_ = 0; // Of `operations_`, after the present one; 0: no pass.
  upkeep_result present_;
  std::optional<time_point> due_;
};

} // namespace quire::actors
