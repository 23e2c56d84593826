#pragma once

#include "quire/messages/types/schedule.hpp"
#include "quire/storage/schedule_times.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// How schedules lie in their table. For this folder only.
namespace quire::storage {

/// A row of the table.
struct schedule_row {
  std::int64_t id = 0;
  std::int64_t anchor_ms = 0;
  schedule_record record;
};

std::optional<schedule_row> read_schedule(snapshot& db, std::int64_t id);
std::optional<schedule_row> read_schedule(snapshot& db, const std::string& name);

/// Inserts the schedule, or replaces the one of its name, and announces its next time.
void write_schedule(transaction& tx, const schedule_row& row);

/// @throws error with `errc::invalid_argument`.
schedule_times times_of(const schedule_row& row);

/// Returns the first time after `after_ms` at which the schedule may fire.
std::optional<std::int64_t> next_time(const schedule_row& row, const schedule_times& times,
                                      std::int64_t after_ms);

/// @throws error with `errc::invalid_argument` if a field is outside of its documented limits.
void check_schedule(const schedule_spec& spec);

} // namespace quire::storage
