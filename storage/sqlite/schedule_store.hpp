#pragma once

#include "quire/messages/types/schedule.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// All SQL on the tables of schedules, as typed functions. Times are Unix milliseconds that
/// the caller passes in.
namespace quire::storage {

/// There are never more schedules.
inline constexpr std::int64_t schedules_max = 10'000;

/// So many times at which a schedule fired are remembered, and as many at which it skipped.
inline constexpr int schedule_fires_kept = 100;

/// With `schedule_catch_up::none` a time that is longer ago is missed.
inline constexpr std::int64_t schedule_late_max_ms = 60'000;

/// Creates the schedule, or replaces the one of this name. One that is paused stays so. If
/// `spec`, `tz`, `start_ms` and `end_ms` are as they were, it goes on as if nothing had
/// happened, so that a program may put its schedules each time it starts; otherwise the next
/// time is the first one after `now_ms`.
/// @throws error: `invalid_argument`, naming what is wrong; `too_large` if there are
///         `schedules_max` already. Nothing was changed then.
schedule_record put_schedule(transaction& tx, const schedule_spec& spec, std::int64_t now_ms);

/// Deletes a schedule and what is remembered of it. Its tasks stay.
/// @returns false if there is none of this name.
bool remove_schedule(transaction& tx, const std::string& name);

/// It does not fire any more until it is resumed. A paused one stays so.
/// @throws error with `errc::not_found`.
schedule_record pause_schedule(transaction& tx, const std::string& name, std::int64_t now_ms);

/// It fires again, first at the next time after `now_ms`: what was due while it was paused is
/// not made up for, whatever its `catch_up`. One that is not paused goes on as it is.
/// @throws error: `not_found`; `invalid_argument` if its time zone is not known any more.
schedule_record resume_schedule(transaction& tx, const std::string& name, std::int64_t now_ms);

/// Returns all schedules, by name. Their payloads are left empty.
std::vector<schedule_record> list_schedules(snapshot& db);

/// Returns one schedule and the last times it fired, the newest first.
std::optional<schedule_details> find_schedule(snapshot& db, const std::string& name);

/// Fires what is due at `now_ms`: enqueues a task for each time, as `overlap` and `catch_up`
/// say. No time of a schedule fires twice, also when the clock was set back: a schedule waits
/// until its next time comes. One that cannot fire (its time zone is gone) says so in its
/// `error`, is tried again after a minute, and keeps no other one from firing.
/// @param limit looks at so many times at most; the rest is due at once.
/// @returns when to look again: the earliest time of all, if any.
std::optional<std::int64_t> fire_due_schedules(transaction& tx, std::int64_t now_ms,
                                               int limit = 200);

} // namespace quire::storage
