// Reads the benchmarks' lines of JSON from the standard input and writes a
// Markdown table that is easy to read in a terminal, too.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

using row = std::vector<std::string>;

struct column {
  const char* key;
  const char* title;
  int digits; ///< After the point; -1 for text.
};

// The name of a case says what it is; its program is in the line of JSON.
constexpr std::array<column, 19> columns{{
  {"case", "case", -1},
  {"clients", "clients", 0},
  {"window", "window", 0},
  {"rate_per_s", "per s", 0},
  {"p50_us", "p50 µs", 1},
  {"p99_us", "p99 µs", 1},
  {"max_us", "max µs", 0},
  {"cpu_us", "cpu µs", 2},
  {"floor_rate_per_s", "floor per s", 0},
  {"floor_p99_us", "p99 µs", 1},
  {"floor_max_us", "max µs", 0},
  {"floor_cpu_us", "cpu µs", 2},
  {"ratio", "ratio", 2},
  {"p50_ratio", "p50 ratio", 2},
  {"p99_ratio", "p99 ratio", 2},
  {"max_ratio", "max ratio", 1},
  {"locked_errors", "locked", 0},
  {"floor_locked_errors", "floor locked", 0},
  {"rss_growth_mib", "MiB", 0},
}};

std::string cell(const nlohmann::json& line, const column& which) {
  auto& content = line.at(which.key);
  if (content.is_null())
    return "";
  if (which.digits < 0)
    return content.get<std::string>();
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", which.digits, content.get<double>());
  std::string result = text;
  auto point = std::min(result.find('.'), result.size());
  for (auto place = point; place > 3; place -= 3)
    result.insert(place - 3, 1, ',');
  return result;
}

/// In characters, not bytes.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

void print(const row& cells, const std::vector<std::size_t>& widths) {
  std::string line = "|";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string padding(widths[i] - width_of(cells[i]), ' ');
    bool is_text = columns[i].digits < 0;
    line.append(" ").append(is_text ? cells[i] : padding);
    line.append(is_text ? padding : cells[i]).append(" |");
  }
  std::printf("%s\n", line.c_str());
}

} // namespace

int main() {
  row titles;
  row rule;
  std::vector<std::size_t> widths;
  for (auto& which : columns) {
    titles.emplace_back(which.title);
    widths.push_back(std::max<std::size_t>(width_of(which.title), 3));
  }
  std::vector<row> rows;
  std::string text;
  try {
    while (std::getline(std::cin, text)) {
      if (text.empty())
        continue;
      auto line = nlohmann::json::parse(text);
      row& cells = rows.emplace_back();
      for (std::size_t i = 0; i < columns.size(); ++i) {
        cells.push_back(cell(line, columns[i]));
        widths[i] = std::max(widths[i], width_of(cells[i]));
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_table: not a line of a benchmark: %s\n", error.what());
    return 1;
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::string dashes(widths[i], '-');
    if (columns[i].digits >= 0)
      dashes.back() = ':';
    rule.push_back(dashes);
  }
  print(titles, widths);
  print(rule, widths);
  for (auto& cells : rows)
    print(cells, widths);
}
