#include "quire/actors/nearest_name.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <numeric>

namespace quire::actors {

namespace {

// Longer names are compared by their beginnings only: a hostile file must not
// buy time with them.
constexpr std::size_t compared_max = 120;
constexpr std::size_t listed_max = 12;

// Insertions, removals, replacements and swaps of neighbours that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, compared_max);
  b = b.substr(0, compared_max);
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

struct character {
  std::uint32_t code = 0;
  std::size_t length = 0; ///< 0 if there is no character of UTF-8 here.
};

character decode(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto first = byte(0);
  if (first < 0x80)
    return {first, 1};
  std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || length > text.size())
    return {};
  std::uint32_t code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return {};
    code = (code << 6) | (byte(i) & 0x3fu);
  }
  auto too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (too_long || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
    return {};
  return {code, length};
}

bool harms_a_line(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f)
         || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
         || code == 0xfeff;
}

} // namespace

std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  auto best_distance = std::max<std::size_t>(1, std::min(name.size(), compared_max) / 3) + 1;
  for (const auto& candidate : known) {
    auto distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best ? std::optional{*best} : std::nullopt;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  if (auto nearest = nearest_name(name, known))
    return "; did you mean " + printable(*nearest, 220) + "?";
  if (known.empty())
    return "; there are none";
  std::string list = "; known are: ";
  for (std::size_t i = 0; i < std::min(known.size(), listed_max); ++i)
    list += (i == 0 ? "" : ", ") + printable(known[i]);
  return known.size() > listed_max ? list + ", ..." : list;
}

std::string printable(std::string_view text, std::size_t length_max) {
  std::string line;
  char escape[16];
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == length_max)
      return line + "...";
    auto next = decode(text);
    auto length = std::max<std::size_t>(1, next.length);
    if (next.length == 0) {
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned char>(text[0]));
      line += escape;
    } else if (next.code == '\n') {
      line += "\\n";
    } else if (next.code == '\t') {
      line += "\\t";
    } else if (harms_a_line(next.code)) {
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(next.code));
      line += escape;
    } else {
      line += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return line;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    auto next = decode(text);
    if (next.length == 0)
      return false;
    text.remove_prefix(next.length);
  }
  return true;
}

} // namespace quire::actors
