#pragma once

#include <bitset>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <variant>

namespace quire {

/// A text that is no schedule: says which field is wrong and what is allowed there.
class schedule_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Which times of a wall clock a cron expression names. Knows no time zone.
struct cron_expression {
  std::bitset<60> seconds;
  std::bitset<60> minutes;
  std::bitset<24> hours;
  std::bitset<32> days;       ///< Of the month, 1 to 31.
  std::bitset<13> months;     ///< 1 to 12.
  std::bitset<7> weekdays;    ///< 0 is Sunday.
  bool days_and_weekdays = true; ///< A day is in both; otherwise in either of them.
  /// Minutes or hours have a `*` or a step: it goes on in real time when clocks are set back,
  /// while one that names its times does not name them twice.
  bool goes_on = false;

  bool has_day(std::chrono::local_days day) const;
};

/// Returns the first time after `after` that `cron` names, and that comes within 50 years.
std::optional<std::chrono::local_seconds> next_local_time(const cron_expression& cron,
                                                          std::chrono::local_seconds after);

/// When something is due again and again: at times of a wall clock, or every so many seconds.
using schedule_rule = std::variant<cron_expression, std::chrono::seconds>;

/// The longest text of a schedule, in bytes.
inline constexpr std::size_t schedule_text_max = 1000;

/// The longest interval.
inline constexpr std::chrono::days schedule_interval_max{3660};

/// Reads one of
/// - five fields `minute hour day-of-month month day-of-week`, or six with `second` before
///   them: `*`, numbers, ranges `a-b`, steps `*/n` and `a-b/n`, and lists of these with commas;
///   months and days of the week also as JAN to DEC and SUN to SAT, Sunday is 0 or 7. If
///   neither day of the month nor day of the week has a `*`, either of them is enough;
/// - `@yearly` (or `@annually`), `@monthly`, `@weekly`, `@daily` (or `@midnight`), `@hourly`;
/// - `every 90s`, `every 15m`, `every 2h`, `every 1d`: 1 second to 3660 days. A day is 24 hours.
///
/// @throws schedule_error: also if the fields name no day that exists, as 30 February.
schedule_rule parse_schedule(std::string_view text);

} // namespace quire
