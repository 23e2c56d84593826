#pragma once

#include "quire/messages/types/cron.hpp"
#include "quire/storage/time_zone.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace quire::storage {

/// When a schedule is due. All times are Unix milliseconds.
///
/// Where clocks are set forward, a time that they skip is due at the same distance behind the
/// change (02:30 at what then is called 03:30), once if that is due itself; not so if every
/// hour is meant, which then misses nothing. Where they are set back, a time that comes twice
/// is due the first time only, unless minutes or hours are `*` or have a step: such a schedule
/// goes on. Intervals know no clocks.
class schedule_times {
public:
  /// @param anchor_ms from where intervals are counted.
  /// @throws error with `errc::invalid_argument`: the text (see `parse_schedule`), or an unknown
  ///         time zone.
  schedule_times(std::string_view spec, const std::string& tz, std::int64_t anchor_ms);

  /// Returns the first time after `after_ms`, if there is one within 50 years.
  std::optional<std::int64_t> next_after(std::int64_t after_ms) const;

  /// Returns the last time not after `at_ms`, given that `due_ms`, which is not after it, is one.
  std::int64_t last_until(std::int64_t at_ms, std::int64_t due_ms) const;

  /// Returns how many times there are from `due_ms`, which is one, to `at_ms`; no more than
  /// `count_max`.
  std::int64_t count(std::int64_t due_ms, std::int64_t at_ms, std::int64_t count_max) const;

  /// Returns the first of the last `count_max` times not after `at_ms`, given that `due_ms` is
  /// one, and there are more from there on.
  std::int64_t first_of_last(std::int64_t count_max, std::int64_t due_ms, std::int64_t at_ms) const;

private:
  schedule_rule rule_;
  time_zone zone_;
  std::int64_t anchor_ms_;
};

} // namespace quire::storage
