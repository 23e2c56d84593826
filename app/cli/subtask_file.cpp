#include "quire/app/cli/subtask_file.hpp"

#include "quire/actors/json_cursor.hpp"
#include "quire/actors/pipeline_parser.hpp"
#include "quire/actors/strict_json.hpp"
#include "quire/actors/task_reader.hpp"
#include "quire/app/cli/exit_status.hpp"
#include "quire/app/cli/text_source.hpp"

#include <chrono>
#include <cmath>
#include <cstddef>

namespace quire::cli {

namespace {

using actors::json_cursor;

constexpr std::size_t bytes_max = std::size_t{16} << 20;
constexpr std::size_t depth_max = 64;
constexpr std::size_t subtasks_max = 1000;
constexpr double month_s = 30.0 * 24 * 3600;

std::vector<task_spec> read_list(const json_cursor& list);

task_spec read_subtask(const json_cursor& given) {
  given.expect_object({"kind", "payload", "queue", "tenant", "priority", "max_attempts", "timeout_s",
                       "subtasks"});
  task_spec task;
  task.kind = given.at("kind").text();
  task.payload = "{}";
  if (task.kind == "command")
    task.crashes_max = 0; // No program of its own can take the owner down with it.
  if (auto payload = given.find("payload"))
    task.payload = payload->value().dump();
  if (auto queue = given.find("queue"))
    task.queue = queue->text();
  if (auto tenant = given.find("tenant"))
    task.tenant = tenant->text();
  if (auto priority = given.find("priority"))
    actors::read_priority(*priority, task);
  if (auto attempts = given.find("max_attempts"))
    task.retry.attempts_max = static_cast<int>(attempts->whole_number(1, 1000));
  if (auto timeout = given.find("timeout_s"))
    task.timeout = std::chrono::milliseconds{std::llround(timeout->number(0, month_s) * 1000)};
  if (auto subtasks = given.find("subtasks"))
    task.subtasks = read_list(*subtasks);
  return task;
}

std::vector<task_spec> read_list(const json_cursor& list) {
  list.expect_list(1, subtasks_max);
  std::vector<task_spec> tasks;
  for (std::size_t i = 0; i < list.value().size(); ++i)
    tasks.push_back(read_subtask(list.element(i)));
  return tasks;
}

} // namespace

std::vector<task_spec> read_subtasks(const std::string& command, const std::string& file) {
  auto text = read_source(command, file, bytes_max + 1);
  if (text.size() > bytes_max)
    throw usage_error(command + ": " + shown_source(file) + ": more than 16 MiB");
  try {
    auto document = actors::parse_strict_json(text, depth_max);
    return read_list(json_cursor{document, "subtasks"});
  } catch (const actors::pipeline_error& error) {
    throw usage_error(command + ": " + shown_source(file) + ": " + error.what());
  }
}

} // namespace quire::cli
