#include "quire/app/cli/format.hpp"

#include "quire/actors/nearest_name.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <limits>

namespace quire::cli {

namespace {

template <class... Arguments>
std::string printed(const char* format, Arguments... arguments) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, arguments...);
  return buffer.data();
}

struct character {
  std::size_t bytes = 1;
  std::size_t columns = 1;
};

/// Well-formed text is assumed: everything shown has been made so.
character next_character(std::string_view text) {
  auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) & 0x3fu : 0u;
  };
  auto first = static_cast<unsigned char>(text[0]);
  if (first < 0xc0)
    return {};
  std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  auto code = static_cast<std::uint32_t>(first & (0xffu >> (bytes + 1)));
  for (std::size_t i = 1; i < bytes; ++i)
    code = (code << 6) | byte(i);
  auto between = [&](std::uint32_t least, std::uint32_t most) {
    return code >= least && code <= most;
  };
  auto combines = between(0x300, 0x36f) || between(0x200b, 0x200f) || between(0xfe00, 0xfe0f);
  auto wide = between(0x1100, 0x115f) || between(0x2e80, 0xa4cf) || between(0xac00, 0xd7a3)
              || between(0xf900, 0xfaff) || between(0xfe30, 0xfe6f) || between(0xff00, 0xff60)
              || between(0xffe0, 0xffe6) || between(0x1f300, 0x1faff) || between(0x20000, 0x3fffd);
  std::size_t columns = combines ? 0 : wide ? 2 : 1;
  return {std::min(bytes, text.size()), columns};
}

} // namespace

std::string duration_text(std::chrono::milliseconds duration) {
  auto ms = std::max<std::int64_t>(0, duration.count());
  if (ms < 1'000)
    return printed("%lld ms", static_cast<long long>(ms));
  if (ms < 60'000)
    return printed("%.1f s", static_cast<double>(std::min<std::int64_t>(ms, 59'900)) / 1000);
  auto seconds = static_cast<long long>(ms / 1000);
  if (seconds < 3'600)
    return printed("%lld min %02lld s", seconds / 60, seconds % 60);
  return printed("%lld h %02lld min", seconds / 3'600, seconds / 60 % 60);
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024)
    return count_text(static_cast<std::int64_t>(bytes), "byte");
  auto size = static_cast<double>(bytes);
  static constexpr std::array units{"KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (size /= 1024; size >= 1024 && unit + 1 < units.size(); ++unit)
    size /= 1024;
  return printed("%.1f %s", size, units[unit]);
}

std::string count_text(std::int64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string{noun} + (count == 1 ? "" : "s");
}

std::string rate_text(std::int64_t count, std::chrono::milliseconds duration) {
  if (count < 2 || duration.count() <= 0)
    return {};
  auto rate = static_cast<double>(count) * 1000 / static_cast<double>(duration.count());
  return rate < 10 ? printed("%.1f/s", rate) : printed("%.0f/s", rate);
}

std::string ratio_text(std::int64_t numerator, std::int64_t denominator) {
  if (denominator == 0)
    return "0.0";
  return printed("%.1f", static_cast<double>(numerator) / static_cast<double>(denominator));
}

std::string time_text(std::int64_t unix_ms) {
  auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  std::array<char, 32> buffer{};
  if (!::localtime_r(&seconds, &parts)
      || std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d %H:%M:%S", &parts) == 0)
    return std::to_string(unix_ms);
  return buffer.data();
}

std::string time_text(const std::optional<std::int64_t>& unix_ms) {
  return unix_ms ? time_text(*unix_ms) : std::string{};
}

std::string field(std::string_view name, std::string_view text) {
  constexpr auto no_limit = std::numeric_limits<std::size_t>::max();
  return text.empty() ? std::string{}
                      : padded(name, 12) + "  " + actors::printable(text, no_limit) + "\n";
}

std::string shell_quoted(std::string_view text) {
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || std::string_view{"-_./=:,+@%"}.find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain))
    return std::string{text};
  std::string quoted = "'";
  for (char c : text)
    quoted += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return quoted + "'";
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    auto next = next_character(text);
    width += next.columns;
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string cut_to_width(std::string_view text, std::size_t width_max) {
  if (display_width(text) <= width_max)
    return std::string{text};
  auto dots = std::min<std::size_t>(width_max, 3);
  std::string result;
  std::size_t width = 0;
  while (!text.empty()) {
    auto next = next_character(text);
    width += next.columns;
    if (width > width_max - dots)
      break;
    result += text.substr(0, next.bytes);
    text.remove_prefix(next.bytes);
  }
  return result + std::string(dots, '.');
}

std::string priority_text(task_priority priority, std::chrono::minutes head_start) {
  std::string text{to_string(priority)};
  if (head_start.count() != 0)
    text += ", " + std::to_string(head_start.count()) + " min of head start";
  return text;
}

std::string padded(std::string_view text, std::size_t width, bool to_the_right) {
  auto own = display_width(text);
  std::string blanks(own < width ? width - own : 0, ' ');
  return to_the_right ? blanks + std::string{text} : std::string{text} + blanks;
}

} // namespace quire::cli
