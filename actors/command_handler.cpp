#include "quire/actors/command_handler.hpp"

#include "quire/actors/command_output.hpp"
#include "quire/actors/command_words.hpp"
#include "quire/actors/nearest_name.hpp"
#include "quire/actors/process_start.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace quire::actors {

namespace {

using json = nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t arguments_max = 10'000;
constexpr std::size_t argument_bytes_max = 131'071; // What execve takes (MAX_ARG_STRLEN).
constexpr std::int64_t output_limit_max = std::int64_t{64} << 20; // As for a payload.
constexpr double grace_s_max = 3'600;
constexpr std::size_t success_codes_max = 256;
constexpr std::size_t error_line_bytes_max = 300;

[[noreturn]] void refuse(const std::string& text) {
  throw std::invalid_argument{"command: " + text};
}

[[noreturn]] void refuse_type(const std::string& key, std::string_view wanted, const json& got) {
  refuse(key + " must be " + std::string{wanted} + ", not " + got.type_name());
}

[[noreturn]] void refuse_key(const std::string& key) {
  static const std::vector<std::string> known{"argv",   "stdin",        "cwd",     "env",
                                              "output", "output_limit", "grace_s", "success_codes",
                                              "report"};
  refuse("unknown key '" + printable(key) + "'" + suggestion(key, known));
}

const std::string& text_of(const std::string& key, const json& value) {
  if (!value.is_string())
    refuse_type(key, "a text", value);
  return value.get_ref<const std::string&>();
}

void read_argv(const json& value, process_spec& process) {
  if (!value.is_array())
    refuse_type("argv", "a list of texts", value);
  if (value.empty() || value.size() > arguments_max)
    refuse("argv must have 1 to 10000 elements, not " + std::to_string(value.size()));
  for (const auto& element : value) {
    const auto name = "argv[" + std::to_string(process.argv.size()) + "]";
    const auto& text = text_of(name, element);
    if (text.size() > argument_bytes_max)
      refuse(name + " is longer than 131071 bytes; pass it through stdin");
    process.argv.push_back(text);
  }
}

void read_stdin(const json& value, process_spec& process) {
  if (value.is_string()) {
    process.standard_input = value.get_ref<const std::string&>();
    return;
  }
  if (!value.is_array())
    refuse_type("stdin", "a text or a list of texts", value);
  std::size_t index = 0;
  for (const auto& line : value)
    process.standard_input += text_of("stdin[" + std::to_string(index++) + "]", line) + '\n';
}

void read_environment(const json& value, process_spec& process) {
  if (!value.is_object())
    refuse_type("env", "an object of texts", value);
  for (const auto& [name, text] : value.items())
    process.environment.emplace_back(name, text_of("env." + printable(name), text));
}

command_spec::output_format output_of(const json& value) {
  const auto& name = text_of("output", value);
  if (name == "text")
    return command_spec::output_format::text;
  if (name == "lines")
    return command_spec::output_format::lines;
  if (name == "json")
    return command_spec::output_format::json;
  refuse("output must be \"text\", \"lines\" or \"json\", not \"" + printable(name) + "\"");
}

std::int64_t integer_of(const std::string& key, const json& value, std::int64_t min,
                        std::int64_t max) {
  const auto range = "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  if (!value.is_number_integer())
    refuse_type(key, range, value);
  const bool too_large =
    value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(max);
  if (too_large || value.get<std::int64_t>() < min)
    refuse(key + " must be " + range + ", not " + value.dump());
  return value.get<std::int64_t>();
}

milliseconds grace_of(const json& value) {
  if (!value.is_number())
    refuse_type("grace_s", "a number of seconds from 0 to 3600", value);
  const auto seconds = value.get<double>();
  if (!(seconds >= 0 && seconds <= grace_s_max))
    refuse("grace_s must be a number of seconds from 0 to 3600, not " + value.dump());
  return milliseconds{std::llround(seconds * 1000)};
}

std::vector<int> success_codes_of(const json& value) {
  if (!value.is_array())
    refuse_type("success_codes", "a list of integers", value);
  if (value.empty() || value.size() > success_codes_max)
    refuse("success_codes must have 1 to 256 elements, not " + std::to_string(value.size()));
  std::vector<int> result;
  for (const auto& element : value)
    result.push_back(static_cast<int>(
      integer_of("success_codes[" + std::to_string(result.size()) + "]", element, 0, 255)));
  return result;
}

bool boolean_of(const std::string& key, const json& value) {
  if (!value.is_boolean())
    refuse_type(key, "true or false", value);
  return value.get<bool>();
}

void read_key(const std::string& key, const json& value, command_spec& command) {
  if (key == "argv")
    read_argv(value, command.process);
  else if (key == "stdin")
    read_stdin(value, command.process);
  else if (key == "cwd")
    command.process.working_directory = text_of(key, value);
  else if (key == "env")
    read_environment(value, command.process);
  else if (key == "output")
    command.output = output_of(value);
  else if (key == "output_limit")
    command.process.stdout_max =
      static_cast<std::size_t>(integer_of(key, value, 1, output_limit_max));
  else if (key == "grace_s")
    command.process.grace = grace_of(value);
  else if (key == "success_codes")
    command.success_codes = success_codes_of(value);
  else if (key == "report")
    command.report = boolean_of(key, value);
  else
    refuse_key(key);
}

/// Returns what people call the program: its name without the folders.
std::string program_name(const process_spec& process) {
  if (process.argv.empty())
    return "the program";
  const auto& path = process.argv.front();
  return as_utf8(path.substr(path.rfind('/') + 1));
}

std::string duration_text(milliseconds duration) {
  if (duration < milliseconds{1'000})
    return std::to_string(duration.count()) + " ms";
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.12g s", static_cast<double>(duration.count()) / 1000);
  return text.data();
}

/// Returns `text` with what the program said last, if it said anything.
std::string with_last_words(std::string text, const process_result& result) {
  const auto line = last_line(result.standard_error, error_line_bytes_max);
  return line.empty() ? text : text + ": " + line;
}

std::string detail_of(const process_result& result) {
  using ending = process_result::ending;
  nlohmann::ordered_json detail;
  if (result.how == ending::exited)
    detail["exit_status"] = result.code;
  if (result.how == ending::signalled)
    detail["signal"] = result.code;
  detail["elapsed_ms"] = result.elapsed.count();
  detail["stdout_bytes"] = result.stdout_bytes;
  detail["stderr_bytes"] = result.stderr_bytes;
  if (result.stdout_bytes > result.standard_output.size())
    detail["stdout_cut"] = true;
  if (!is_utf8(result.standard_output))
    detail["stdout_replaced"] = true; // Bytes that are no UTF-8, by U+FFFD.
  detail["stderr"] = result.standard_error;
  return detail.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Whether a program that was not started may start later: the system is short
/// of something, or the program is being written.
bool may_start_later(int error) noexcept {
  constexpr std::array errors{EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY};
  return std::find(errors.begin(), errors.end(), error) != errors.end();
}

task_outcome success_of(const command_spec& command, const process_result& result) {
  using format = command_spec::output_format;
  const auto name = program_name(command.process);
  const auto cut = result.stdout_bytes - result.standard_output.size();
  if (command.output == format::text)
    return task_outcome::success(json_of_text(result.standard_output, cut));
  if (cut > 0)
    return task_outcome::failure(
      name + " wrote " + std::to_string(result.stdout_bytes)
        + " bytes, more than its output_limit of " + std::to_string(command.process.stdout_max)
        + "; a part of them would be wrong data, so nothing was kept: raise output_limit",
      error_class::permanent);
  if (command.output == format::lines)
    return task_outcome::success(json_of_lines(result.standard_output));
  try {
    return task_outcome::success(compact_json(result.standard_output));
  } catch (const std::invalid_argument& failure) {
    return task_outcome::failure("the output of " + name + " is not JSON: " + failure.what(),
                                 error_class::permanent);
  }
}

task_outcome failure_of(const command_spec& command, const process_result& result) {
  using ending = process_result::ending;
  const auto name = program_name(command.process);
  switch (result.how) {
    case ending::signalled: {
      const auto* meaning = ::sigdescr_np(result.code);
      return task_outcome::failure(
        with_last_words(name + " was ended by signal " + std::to_string(result.code) + " ("
                          + (meaning ? meaning : "real-time signal") + ")",
                        result));
    }
    case ending::timed_out:
      return task_outcome::failure(name + " took longer than its "
                                     + duration_text(command.process.timeout) + ": it was ended",
                                   error_class::timeout);
    case ending::cancelled: {
      task_outcome outcome;
      outcome.what = task_outcome::verdict::cancelled;
      outcome.error = name + " was ended, as its task was cancelled";
      outcome.error_kind = error_class::cancelled;
      return outcome;
    }
    case ending::not_started:
      return task_outcome::failure(as_utf8(result.error), may_start_later(result.start_error)
                                                            ? error_class::transient
                                                            : error_class::permanent);
    case ending::exited: break;
  }
  if (!result.error.empty())
    return task_outcome::failure(name + " ended, but " + result.error);
  return task_outcome::failure(
    with_last_words(name + " exited with status " + std::to_string(result.code), result));
}

} // namespace

command_spec parse_command(std::string_view payload) {
  json object;
  try {
    // Reports where the text is wrong; nested too deep would overflow the stack later.
    object = json::parse(compact_json(payload));
  } catch (const std::invalid_argument& failure) {
    refuse(std::string{"the payload is not JSON: "} + failure.what());
  }
  if (!object.is_object())
    refuse_type("the payload", "an object", object);
  command_spec command;
  for (const auto& [key, value] : object.items())
    read_key(key, value, command);
  if (!object.contains("argv"))
    refuse("argv is missing: the program and its arguments");
  if (const auto text = unusable_part(command.process); !text.empty())
    refuse(as_utf8(text));
  return command;
}

task_outcome outcome_of(const command_spec& command, const process_result& result) {
  const auto& codes = command.success_codes;
  const bool succeeded = result.how == process_result::ending::exited
                         && std::find(codes.begin(), codes.end(), result.code) != codes.end();
  auto outcome = succeeded ? success_of(command, result) : failure_of(command, result);
  outcome.detail = detail_of(result);
  return outcome;
}

task_handler command_handler() {
  return [](task_context& context) {
    command_spec command;
    try {
      command = parse_command(context.task.payload);
    } catch (const std::invalid_argument& failure) {
      return task_outcome::failure(failure.what(), error_class::permanent);
    }
    if (context.task.heartbeat.count() > 0 && !command.report)
      return task_outcome::failure(
        "command: a program gives signs of life on descriptor 3 only, and its task has a heartbeat "
        "without \"report\": true; nothing was run: add that to the payload, or drop the heartbeat",
        error_class::permanent);
    command.process.timeout = context.task.timeout;
    command_words words(context);
    if (command.report) {
      command.process.on_line = [&words](std::string_view line) { words.hear(line); };
      command.process.environment.emplace_back("QUIRE_REPORT_FD", "3");
    }
    const auto result = run_process(command.process, context.cancel);
    if (!words.output().empty())
      command.output = command_spec::output_format::text; // What stdout holds does not count.
    auto outcome = outcome_of(command, result);
    if (outcome.what == task_outcome::verdict::completed && !words.output().empty())
      outcome.output = words.output();
    if (result.how == process_result::ending::timed_out && context.task.is_last_call)
      outcome.error = program_name(command.process)
                      + " had not ended when the time of its task was up: it was ended";
    if (result.how != process_result::ending::cancelled)
      return outcome;
    if (const auto reason = context.cancel.reason(); !reason.empty())
      outcome.error = reason;
    if (context.cancel.releasing()) {
      outcome.what = task_outcome::verdict::released;
      outcome.error_kind = error_class::none;
    }
    return outcome;
  };
}

} // namespace quire::actors
