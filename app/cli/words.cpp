#include "quire/app/cli/words.hpp"

#include "quire/app/cli/exit_status.hpp"
#include "quire/app/cli/grammar.hpp"

#include <charconv>
#include <chrono>

namespace quire::cli {

namespace {

/// Reads digits where `pattern` has `#`; everything else must be the same.
bool matches(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size())
    return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (pattern[i] == '#' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
      return false;
  return true;
}

int number_at(std::string_view text, std::size_t at, std::size_t size) {
  int number = 0;
  for (auto digit : text.substr(at, size))
    number = number * 10 + (digit - '0');
  return number;
}

std::optional<std::int64_t> moment_from_text(std::string_view text) {
  using namespace std::chrono;
  bool with_seconds = matches(text, "####-##-##T##:##:##Z");
  if (!with_seconds && !matches(text, "####-##-##T##:##Z"))
    return std::nullopt;
  year_month_day date{year{number_at(text, 0, 4)},
                      month{static_cast<unsigned>(number_at(text, 5, 2))},
                      day{static_cast<unsigned>(number_at(text, 8, 2))}};
  hours hour{number_at(text, 11, 2)};
  minutes minute{number_at(text, 14, 2)};
  seconds second{with_seconds ? number_at(text, 17, 2) : 0};
  if (!date.ok() || date.year() < year{1970} || hour > 23h || minute > 59min || second > 59s)
    return std::nullopt;
  auto at = sys_days{date} + hour + minute + second;
  return milliseconds{at.time_since_epoch()}.count();
}

/// A name, or minutes.
void read_priority(const words& line, task_spec& task) {
  constexpr std::int64_t week_min = 7 * 24 * 60;
  auto text = line.text("--priority");
  bool is_number = text && text->find_first_not_of("0123456789", text->front() == '-' ? 1 : 0)
                             == std::string::npos;
  if (is_number)
    task.head_start = std::chrono::minutes{line.number("--priority", *text, -week_min, week_min)};
  else
    task.priority = line
                      .choice("--priority", "priority", task_priority_from_string,
                              {"urgent", "high", "normal", "low"})
                      .value_or(task.priority);
}

} // namespace

void refuse(const CLI::App& app, const std::string& what) {
  auto name = full_name(app);
  throw usage_error(name + ": " + what + " (see " + name + " --help)");
}

std::vector<std::string> words::all(const std::string& name) const {
  return given(*app_, name);
}

std::optional<std::string> words::text(const std::string& name) const {
  auto values = all(name);
  if (values.empty())
    return std::nullopt;
  if (is_option(name) && values.front().starts_with("--"))
    refuse(*app_,
           name + ": its value is missing ('" + actors::printable(values.front()) + "' follows)");
  if (values.front().empty())
    refuse(*app_, name + " is empty");
  return values.front();
}

std::string words::argument(const std::string& name) const {
  auto value = text(name);
  if (!value)
    refuse(*app_, "the argument " + name + " is missing");
  return *value;
}

std::int64_t words::number(const std::string& name, const std::string& text, std::int64_t least,
                           std::int64_t most) const {
  std::int64_t number = 0;
  auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < least || number > most)
    refuse(*app_, name + ": '" + actors::printable(text) + "' is no whole number from "
                    + std::to_string(least)
                    + (most == largest ? " up" : " to " + std::to_string(most)));
  return number;
}

std::optional<std::int64_t> words::number(const std::string& name, std::int64_t least,
                                          std::int64_t most) const {
  auto value = text(name);
  return value ? std::optional{number(name, *value, least, most)} : std::nullopt;
}

std::optional<std::int64_t> words::moment(const std::string& name) const {
  auto value = text(name);
  if (!value)
    return std::nullopt;
  auto at = moment_from_text(*value);
  if (!at)
    refuse(*app_, name + ": '" + actors::printable(*value)
                    + "' is no time as 2026-03-28T12:00Z or 2026-03-28T12:00:30Z");
  return at;
}

task_spec read_task(const words& line) {
  task_spec task;
  task.kind = line.argument("KIND");
  task.payload = line.text("PAYLOAD").value_or("{}");
  if (task.kind == "command")
    task.crashes_max = 0; // No program of its own can take the owner down with it.
  if (auto queue = line.text("--queue"))
    task.queue = *queue;
  task.tenant = line.text("--tenant").value_or("");
  read_priority(line, task);
  if (auto attempts = line.number("--attempts", 1, 1000))
    task.retry.attempts_max = static_cast<int>(*attempts);
  if (auto seconds = line.number("--timeout", 0, ten_years_s))
    task.timeout = std::chrono::seconds{*seconds};
  if (auto seconds = line.number("--start-within", 0, ten_years_s))
    task.start_within = std::chrono::seconds{*seconds};
  if (auto seconds = line.number("--end-within", 0, ten_years_s))
    task.end_within = std::chrono::seconds{*seconds};
  if (auto seconds = line.number("--heartbeat", 0, ten_years_s))
    task.heartbeat = std::chrono::seconds{*seconds};
  task.gate = line.text("--gate").value_or("");
  if (auto capacity = line.number("--gate-capacity", 1, 100'000)) {
    if (task.gate.empty())
      refuse(line.app(), "--gate-capacity needs --gate");
    task.gate_capacity = static_cast<int>(*capacity);
  }
  return task;
}

given_database read_database(const words& line) {
  return {line.text("--db"), line.flag("--allow-network-fs")};
}

} // namespace quire::cli
