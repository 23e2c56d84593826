#include "quire/app/cli/words.hpp"

#include "quire/app/cli/exit_status.hpp"
#include "quire/app/cli/grammar.hpp"

#include <charconv>

namespace quire::cli {

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

task_spec read_task(const words& line) {
  task_spec task;
  task.kind = line.argument("KIND");
  task.payload = line.text("PAYLOAD").value_or("{}");
  if (auto queue = line.text("--queue"))
    task.queue = *queue;
  task.priority = line
                    .choice("--priority", "priority", task_priority_from_string,
                            {"urgent", "high", "normal", "low"})
                    .value_or(task.priority);
  if (auto attempts = line.number("--attempts", 1, 1000))
    task.retry.attempts_max = static_cast<int>(*attempts);
  if (auto seconds = line.number("--timeout", 0, ten_years_s))
    task.timeout = std::chrono::seconds{*seconds};
  if (auto seconds = line.number("--start-within", 0, ten_years_s))
    task.start_within = std::chrono::seconds{*seconds};
  if (auto seconds = line.number("--end-within", 0, ten_years_s))
    task.end_within = std::chrono::seconds{*seconds};
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
