#pragma once

// Times of a wall clock as people write them: `2026-03-29 02:30` or with seconds.

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace quire::tests {

inline std::chrono::local_seconds local_of(const std::string& text) {
  using namespace std::chrono;
  int y = 0;
  unsigned m = 0;
  unsigned d = 0;
  int h = 0;
  int min = 0;
  int s = 0;
  if (std::sscanf(text.c_str(), "%d-%u-%u %d:%d:%d", &y, &m, &d, &h, &min, &s) < 5)
    throw std::invalid_argument("no time: " + text);
  return local_days{year{y} / month{m} / day{d}} + hours{h} + minutes{min} + seconds{s};
}

/// The same as Unix milliseconds, of a clock that shows Universal Time.
inline std::int64_t utc_ms(const std::string& text) {
  return std::chrono::milliseconds{local_of(text).time_since_epoch()}.count();
}

/// With seconds only if there are any.
inline std::string text_of(std::chrono::local_seconds at) {
  using namespace std::chrono;
  auto day = floor<days>(at);
  year_month_day date{day};
  hh_mm_ss time{at - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
  std::string result = text;
  if (time.seconds().count() > 0) {
    std::snprintf(text, sizeof text, ":%02d", static_cast<int>(time.seconds().count()));
    result += text;
  }
  return result;
}

} // namespace quire::tests
