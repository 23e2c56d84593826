#include "quire/messages/types/cron.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quire {

namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> month_names{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                       "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> weekday_names{"SUN", "MON", "TUE", "WED",
                                                        "THU", "FRI", "SAT"};

constexpr std::string_view blanks = " \t";

/// One of the fields: its name, the numbers it may have, and names for them.
struct field {
  std::string_view name;
  int least = 0;
  int most = 59;
  std::span<const std::string_view> names{}; ///< The first one stands for `least`.
  bool sunday_ends = false;                  ///< The first name is also the end of a week.
};

constexpr std::array<field, 6> fields{{{"second", 0, 59},
                                       {"minute", 0, 59},
                                       {"hour", 0, 23},
                                       {"day of month", 1, 31},
                                       {"month", 1, 12, month_names},
                                       {"day of week", 0, 7, weekday_names, true}}};

/// Whatever comes from outside is shown shortened, and without control characters.
std::string quoted(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  std::string shown{text.substr(0, shown_max)};
  std::ranges::replace_if(shown, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  return "'" + shown + (text.size() > shown_max ? "...'" : "'");
}

std::string allowed(const field& of) {
  auto text = std::to_string(of.least) + " to " + std::to_string(of.most);
  if (!of.names.empty())
    text += ", " + std::string{of.names.front()} + " to " + std::string{of.names.back()};
  return text + ", *, ranges (a-b), steps (*/n, a-b/n) and lists of these with commas";
}

[[noreturn]] void refuse(const field& in, std::string_view part, const std::string& why) {
  throw schedule_error("the field '" + std::string{in.name} + "' of the schedule: " + quoted(part)
                       + " " + why + "; allowed are " + allowed(in));
}

bool equal_ignoring_case(std::string_view left, std::string_view upper) {
  auto up = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::equal(left, upper, {}, up);
}

/// Returns a number without a sign, if `text` is one that fits.
std::optional<int> number_of(std::string_view text) {
  int number = 0;
  auto* end = text.data() + text.size();
  if (text.empty() || text.front() < '0' || text.front() > '9')
    return std::nullopt;
  auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end ? std::optional{number} : std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == text.npos)
      return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    auto begin = text.find_first_not_of(blanks);
    if (begin == text.npos)
      return words;
    text.remove_prefix(begin);
    auto end = std::min(text.find_first_of(blanks), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

int value_of(const field& in, std::string_view text, std::string_view part) {
  for (std::size_t i = 0; i < in.names.size(); ++i)
    if (equal_ignoring_case(text, in.names[i]))
      return in.least + static_cast<int>(i);
  auto number = number_of(text);
  if (!number || *number < in.least || *number > in.most)
    refuse(in, part, text.empty() ? "lacks a number" : "has " + quoted(text) + ", which is not one of them");
  return *number;
}

int step_of(const field& in, std::string_view text, std::string_view part) {
  auto step = number_of(text);
  auto most = in.sunday_ends ? in.most - 1 : in.most;
  if (!step || *step < 1 || *step > most)
    refuse(in, part, "has a step that is not 1 to " + std::to_string(most));
  return *step;
}

/// Sets what one part of a list names.
template <std::size_t Size>
void read_part(const field& in, std::string_view part, std::bitset<Size>& to) {
  auto slash = part.find('/');
  auto range = part.substr(0, slash);
  auto first = in.least;
  auto last = in.sunday_ends ? in.most - 1 : in.most;
  if (range != "*") {
    auto dash = range.find('-');
    first = last = value_of(in, range.substr(0, dash), part);
    if (dash != range.npos) {
      auto end = range.substr(dash + 1);
      last = value_of(in, end, part);
      // SAT-SUN ends with its week.
      if (in.sunday_ends && last == 0 && first > 0 && !number_of(end))
        last = in.most;
      if (last < first)
        refuse(in, part, "ends before it begins");
    } else if (slash != part.npos) {
      refuse(in, part, "has a step without a range");
    }
  }
  auto step = slash == part.npos ? 1 : step_of(in, part.substr(slash + 1), part);
  for (auto x = first; x <= last; x += step)
    to.set(static_cast<std::size_t>(in.sunday_ends && x == in.most ? 0 : x));
}

template <std::size_t Size>
void read_field(const field& in, std::string_view text, std::bitset<Size>& to) {
  for (auto part : split(text, ','))
    read_part(in, part, to);
}

bool has_wildcard(std::string_view text) {
  return text.find('*') != text.npos;
}

bool has_wildcard_or_step(std::string_view text) {
  return text.find_first_of("*/") != text.npos;
}

cron_expression read_fields(std::vector<std::string_view> words) {
  if (words.size() == 5)
    words.insert(words.begin(), "0");
  cron_expression cron;
  read_field(fields[0], words[0], cron.seconds);
  read_field(fields[1], words[1], cron.minutes);
  read_field(fields[2], words[2], cron.hours);
  read_field(fields[3], words[3], cron.days);
  read_field(fields[4], words[4], cron.months);
  read_field(fields[5], words[5], cron.weekdays);
  cron.days_and_weekdays = has_wildcard(words[3]) || has_wildcard(words[5]);
  cron.goes_on = has_wildcard_or_step(words[1]) || has_wildcard_or_step(words[2]);
  local_seconds any{local_days{year{2000} / January / 1}};
  if (!next_local_time(cron, any))
    throw schedule_error("the schedule names no day that exists: the months "
                         + quoted(words[4]) + " have no day " + quoted(words[3]));
  return cron;
}

cron_expression read_macro(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> macros{{
    {"@YEARLY", "0 0 1 1 *"},
    {"@ANNUALLY", "0 0 1 1 *"},
    {"@MONTHLY", "0 0 1 * *"},
    {"@WEEKLY", "0 0 * * 0"},
    {"@DAILY", "0 0 * * *"},
    {"@MIDNIGHT", "0 0 * * *"},
    {"@HOURLY", "0 * * * *"},
  }};
  for (auto& [name, stands_for] : macros)
    if (equal_ignoring_case(text, name))
      return read_fields(words_of(stands_for));
  throw schedule_error("the schedule " + quoted(text)
                       + " is unknown; allowed are @yearly, @annually, @monthly, @weekly, @daily, "
                         "@midnight and @hourly");
}

std::chrono::seconds read_interval(const std::vector<std::string_view>& words) {
  constexpr std::array<std::pair<char, std::int64_t>, 4> units{
    {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}}};
  if (words.size() == 2 && words[1].size() > 1)
    for (auto [letter, length] : units)
      if (words[1].back() == letter)
        if (auto count = number_of(words[1].substr(0, words[1].size() - 1))) {
          std::chrono::seconds interval{*count * length};
          if (interval >= 1s && interval <= schedule_interval_max)
            return interval;
        }
  throw schedule_error("the interval of the schedule must be a whole number and a unit, as every 90s, "
                       "every 15m, every 2h or every 1d, from 1 second to 3660 days");
}

} // namespace

schedule_rule parse_schedule(std::string_view text) {
  if (text.size() > schedule_text_max)
    throw schedule_error("the schedule is over its limit of "
                         + std::to_string(schedule_text_max) + " bytes");
  auto words = words_of(text);
  if (!words.empty() && equal_ignoring_case(words[0], "EVERY"))
    return read_interval(words);
  if (words.size() == 1 && words[0].front() == '@')
    return read_macro(words[0]);
  if (words.size() != 5 && words.size() != 6)
    throw schedule_error("the schedule " + quoted(text) + " has " + std::to_string(words.size())
                         + " fields; allowed are 5 (minute, hour, day of month, month, day of week), "
                           "6 (second before them), @daily and the like, or every 15m and the like");
  return read_fields(std::move(words));
}

} // namespace quire
