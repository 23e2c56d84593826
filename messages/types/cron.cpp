#include "quire/messages/types/cron.hpp"

namespace quire {

namespace {

using namespace std::chrono;

// 29 February on a given day of the week may be 40 years away.
constexpr years search_max{50};

std::optional<seconds> next_time_of_day(const cron_expression& cron, seconds from) {
  hh_mm_ss time{from};
  auto first_hour = static_cast<std::size_t>(time.hours().count());
  auto first_minute = static_cast<std::size_t>(time.minutes().count());
  auto first_second = static_cast<std::size_t>(time.seconds().count());
  for (auto hour = first_hour; hour < cron.hours.size(); ++hour) {
    bool same_hour = hour == first_hour;
    if (!cron.hours[hour])
      continue;
    for (auto minute = same_hour ? first_minute : 0; minute < cron.minutes.size(); ++minute) {
      bool same_minute = same_hour && minute == first_minute;
      if (!cron.minutes[minute])
        continue;
      for (auto second = same_minute ? first_second : 0; second < cron.seconds.size(); ++second)
        if (cron.seconds[second])
          return hours{hour} + minutes{minute} + seconds{second};
    }
  }
  return std::nullopt;
}

} // namespace

bool cron_expression::has_day(local_days day) const {
  year_month_day date{day};
  if (!months[static_cast<unsigned>(date.month())])
    return false;
  bool in_days = days[static_cast<unsigned>(date.day())];
  bool in_weekdays = weekdays[weekday{day}.c_encoding()];
  return days_and_weekdays ? in_days && in_weekdays : in_days || in_weekdays;
}

std::optional<local_seconds> next_local_time(const cron_expression& cron, local_seconds after) {
  auto first = after + seconds{1};
  auto day = floor<days>(first);
  auto time = first - day;
  auto last_year = year_month_day{day}.year() + search_max;
  while (true) {
    year_month_day date{day};
    if (date.year() > last_year)
      return std::nullopt;
    if (!cron.months[static_cast<unsigned>(date.month())]) {
      day = local_days{(date.year() / date.month() + months{1}) / 1};
    } else {
      if (cron.has_day(day))
        if (auto found = next_time_of_day(cron, time))
          return day + *found;
      day += days{1};
    }
    time = seconds{0};
  }
}

} // namespace quire
