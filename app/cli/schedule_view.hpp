#pragma once

#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/text_table.hpp"
#include "quire/messages/types/schedule.hpp"

#include <cstdint>
#include <string>

namespace quire::cli {

/// The table that `quire schedule list` fills.
text_table make_schedule_table(std::size_t width_max);
void add_schedule(text_table& table, const schedule_record& record);

/// A schedule with the last times it fired, for people.
std::string schedule_text(const schedule_details& details);

/// A schedule with every field by its name; what is absent is null, times are Unix
/// milliseconds.
json to_json(const schedule_record& record);

/// The same with the payload and the last times it fired.
json to_json(const schedule_details& details);

/// What clocks in `tz` show at a moment: `2026-03-29T03:30:00+02:00`.
/// @throws storage::error with `errc::invalid_argument` if `tz` is unknown.
std::string local_text(std::int64_t unix_ms, const std::string& tz);

} // namespace quire::cli
