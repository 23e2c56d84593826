#include "quire/actors/task_reader.hpp"

#include "quire/actors/program_text.hpp"
#include "quire/actors/strict_json.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string_view>

namespace quire::actors {

namespace {

using nlohmann::json;

constexpr double month_s = 30.0 * 24 * 3600;
constexpr std::size_t arguments_max = 10'000;
constexpr std::int64_t output_bytes_max = std::int64_t{64} << 20;

const std::vector<std::string> common_keys{
  "kind",      "timeout_s",      "start_within_s", "end_within_s", "heartbeat_s", "max_attempts",
  "backoff_s", "backoff_factor", "backoff_max_s",  "priority",     "output"};
const std::vector<std::string> command_keys{"argv",    "stdin",        "cwd",           "env",
                                            "grace_s", "output_limit", "success_codes", "report"};
const std::vector<std::string> handler_keys{"payload"};
const std::vector<std::string> output_names{"text", "lines", "json"};

std::vector<std::string> joined(std::vector<std::string> list,
                                const std::vector<std::string>& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

std::chrono::milliseconds milliseconds_of(const json_cursor& seconds, double least) {
  return std::chrono::milliseconds{std::llround(seconds.number(least, month_s) * 1000)};
}

retry_policy read_retry(const json_cursor& task) {
  retry_policy retry;
  retry.attempts_max = 1;
  if (auto attempts = task.find("max_attempts"))
    retry.attempts_max = static_cast<int>(attempts->whole_number(1, 1000));
  if (auto base = task.find("backoff_s"))
    retry.base = milliseconds_of(*base, 0);
  if (auto factor = task.find("backoff_factor"))
    retry.factor = factor->number(1, 1000);
  // A base over the default limit means just that delay.
  retry.cap = std::max(retry.cap, retry.base);
  if (auto cap = task.find("backoff_max_s")) {
    retry.cap = milliseconds_of(*cap, 0);
    if (retry.cap < retry.base)
      cap->refuse("is less than backoff_s");
  }
  return retry;
}

void read_limits(const json_cursor& task, task_spec& spec) {
  auto read = [&](const std::string& key, std::chrono::milliseconds& limit) {
    if (auto seconds = task.find(key))
      limit = milliseconds_of(*seconds, 0.001);
  };
  read("timeout_s", spec.timeout);
  read("start_within_s", spec.start_within);
  read("end_within_s", spec.end_within);
  read("heartbeat_s", spec.heartbeat);
}

void refuse_nul(const json_cursor& text) {
  if (text.text().find('\0') != std::string::npos)
    text.refuse("a NUL byte (\\u0000) cannot be given to a program here");
}

void read_argv(const json_cursor& task) {
  auto argv = task.at("argv");
  argv.expect_list(1, arguments_max);
  for (std::size_t i = 0; i < argv.value().size(); ++i)
    refuse_nul(argv.element(i));
  auto program = argv.element(0);
  if (program.text().empty())
    program.refuse("the name of the program is empty");
  refuse_templates_that_would_run(task, argv);
}

void read_environment(const json_cursor& environment) {
  environment.expect_object();
  for (const auto& [name, value] : environment.value().items()) {
    json_cursor variable{value, member_path(environment.path(), name)};
    if (name.empty() || name.find('=') != name.npos || name.find('\0') != name.npos)
      variable.refuse("this is no name of an environment variable");
    if (name.find("{{") != name.npos)
      variable.refuse("no template may stand in a name");
    refuse_nul(variable);
  }
}

void read_command(const json_cursor& task) {
  read_argv(task);
  if (auto input = task.find("stdin")) {
    if (input->value().is_array())
      for (std::size_t i = 0; i < input->value().size(); ++i)
        input->element(i).text();
    else if (!input->value().is_string())
      input->refuse_type("a text or a list of texts");
  }
  if (auto directory = task.find("cwd")) {
    refuse_nul(*directory);
    if (directory->text().empty())
      directory->refuse("the name of the folder is empty");
  }
  if (auto environment = task.find("env"))
    read_environment(*environment);
  if (auto limit = task.find("output_limit"))
    limit->whole_number(1, output_bytes_max);
  if (auto grace = task.find("grace_s"))
    grace->number(0, 3600);
  auto report = task.find("report");
  auto reports = report && report->flag();
  if (auto heartbeat = task.find("heartbeat_s"); heartbeat && !reports)
    heartbeat->refuse("a program gives signs of life on descriptor 3 only: set report to true");
  if (auto codes = task.find("success_codes")) {
    codes->expect_list(1, 256);
    for (std::size_t i = 0; i < codes->value().size(); ++i)
      codes->element(i).whole_number(0, 255);
  }
}

void refuse_templates_in_keys(const json_cursor& value) {
  if (value.value().is_array())
    for (std::size_t i = 0; i < value.value().size(); ++i)
      refuse_templates_in_keys(value.element(i));
  if (value.value().is_object())
    for (const auto& [key, member] : value.value().items()) {
      json_cursor inner{member, member_path(value.path(), key)};
      if (key.find("{{") != key.npos)
        inner.refuse("no template may stand in a key");
      refuse_templates_in_keys(inner);
    }
}

} // namespace

void read_priority(const json_cursor& priority, task_spec& task) {
  constexpr std::int64_t week_min = 7 * 24 * 60;
  if (priority.value().is_number())
    task.head_start = std::chrono::minutes{priority.whole_number(-week_min, week_min)};
  else
    task.priority
      = *task_priority_from_string(priority.one_of({"urgent", "high", "normal", "low"}));
}

void read_task(const json_cursor& task, stage_spec& stage) {
  task.expect_object();
  auto kind = task.at("kind");
  const auto& kind_name = kind.text();
  auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (kind_name.empty() || kind_name.size() > 100 || std::ranges::any_of(kind_name, is_control))
    kind.refuse("a kind has 1 to 100 bytes, without control characters");

  auto is_command = kind_name == "command";
  if (!is_command)
    for (const auto& key : command_keys)
      if (auto misplaced = task.find(key))
        misplaced->refuse("only a task of the kind command has this key");
  task.expect_object(joined(common_keys, is_command ? command_keys : handler_keys));
  if (auto output = task.find("output"))
    stage.output = output->one_of(output_names);
  else if (is_command)
    stage.output = "text";

  auto& spec = stage.task;
  spec.kind = kind_name;
  spec.retry = read_retry(task);
  // No program of its own can take this process down with it.
  if (is_command)
    spec.crashes_max = 0;
  read_limits(task, spec);
  if (auto priority = task.find("priority"))
    read_priority(*priority, spec);
  if (is_command)
    read_command(task);
  else if (auto payload = task.find("payload"))
    refuse_templates_in_keys(*payload);
  spec.payload = task.value().dump();
}

} // namespace quire::actors
