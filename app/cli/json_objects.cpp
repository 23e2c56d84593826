#include "quire/app/cli/json_objects.hpp"

#include "quire/actors/nearest_name.hpp"

#include <cmath>
#include <optional>

namespace quire::cli {

namespace {

json to_json(const value& x) {
  switch (x.type()) {
    case value::kind::null: return nullptr;
    case value::kind::integer: return x.integer();
    // JSON has no infinity.
    case value::kind::real: return std::isfinite(x.real()) ? json(x.real()) : json(to_display(x));
    case value::kind::text: return x.text();
    case value::kind::bytes: break;
  }
  auto quoted = to_display(x); // x'0a1b'
  return {{"blob", quoted.substr(2, quoted.size() - 3)}};
}

} // namespace

json embedded(const std::string& text) {
  if (text.empty())
    return nullptr;
  auto value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

json or_null(const std::string& text) {
  return text.empty() ? json(nullptr) : json(text);
}

json to_json(const task_record& task) {
  json object;
  object["id"] = task.id.value;
  object["queue"] = task.queue;
  object["kind"] = task.kind;
  object["tenant"] = or_null(task.tenant);
  object["parent"] = task.parent ? json(task.parent.value) : json(nullptr);
  object["subtasks"] = task.subtasks;
  object["subtasks_open"] = task.subtasks_open;
  object["state"] = to_string(task.state);
  object["priority"] = to_string(task.priority);
  object["attempt"] = task.attempt;
  object["attempts_max"] = task.attempts_max;
  object["crashes"] = task.crashes;
  object["snoozes"] = task.snoozes;
  object["epoch"] = task.epoch;
  object["cancel_requested"] = task.cancel_requested;
  object["gate"] = or_null(task.gate);
  object["unique_key"] = or_null(task.unique_key);
  object["run"] = task.run ? json(task.run.value) : json(nullptr);
  object["stage"] = or_null(task.stage);
  object["item"] = task.item >= 0 ? json(task.item) : json(nullptr);
  object["created_at_ms"] = task.created_at_ms;
  object["run_at_ms"] = or_null(task.run_at_ms);
  object["started_at_ms"] = or_null(task.started_at_ms);
  object["finished_at_ms"] = or_null(task.finished_at_ms);
  object["expires_at_ms"] = or_null(task.expires_at_ms);
  object["progress"] = task.progress;
  object["step"] = or_null(task.step);
  object["error_class"] = to_string(task.error_kind);
  object["error"] = task.error;
  return object;
}

json to_json(const task_record& task, const storage::public_ids& ids) {
  auto object = to_json(task);
  object["public_id"] = ids.of({task.id.value, task.created_at_ms});
  return object;
}

json to_json(const task_details& details) {
  auto object = to_json(details.task);
  object["payload"] = embedded(details.payload);
  object["output"] = embedded(details.output);
  object["output_file"] = or_null(details.output_file);
  object["head_start_min"] = details.head_start.count();
  object["detail"] = embedded(details.detail);
  object["attempts"] = json::array();
  for (auto& attempt : details.attempts)
    object["attempts"].push_back({{"attempt", attempt.attempt},
                                  {"epoch", attempt.epoch},
                                  {"started_at_ms", attempt.started_at_ms},
                                  {"ended_at_ms", attempt.ended_at_ms},
                                  {"outcome", attempt.outcome},
                                  {"error_class", to_string(attempt.error_kind)},
                                  {"error", attempt.error},
                                  {"boot", attempt.boot > 0 ? json(attempt.boot) : json(nullptr)}});
  object["log"] = json::array();
  for (auto& line : details.log)
    object["log"].push_back({{"at_ms", line.at_ms}, {"epoch", line.epoch}, {"text", line.text}});
  object["steps"] = json::array();
  for (auto& step : details.steps)
    object["steps"].push_back(
      {{"name", step.name}, {"at_ms", step.at_ms}, {"epoch", step.epoch}, {"bytes", step.bytes}});
  return object;
}

json to_json(const stage_record& stage) {
  json object;
  object["id"] = stage.id.value;
  object["name"] = stage.name;
  object["state"] = to_string(stage.state);
  object["total"] = stage.total;
  object["completed"] = stage.completed;
  object["partial_success"] = stage.partial_success;
  object["failed"] = stage.failed;
  object["cancelled"] = stage.cancelled;
  object["skipped"] = stage.skipped;
  object["sealed"] = stage.sealed;
  object["started_at_ms"] = or_null(stage.started_at_ms);
  object["finished_at_ms"] = or_null(stage.finished_at_ms);
  object["error"] = stage.error;
  return object;
}

json to_json(const run_record& run) {
  json object;
  object["id"] = run.id.value;
  object["pipeline"] = run.pipeline;
  object["state"] = to_string(run.state);
  object["params"] = json::object();
  for (auto& [name, text] : run.params)
    object["params"][name] = text;
  object["created_at_ms"] = run.created_at_ms;
  object["finished_at_ms"] = or_null(run.finished_at_ms);
  object["recovered"] = run.recovered;
  object["boots"] = run.boots;
  object["cancel_requested"] = run.cancel_requested;
  object["stages"] = json::array();
  for (auto& stage : run.stages)
    object["stages"].push_back(to_json(stage));
  return object;
}

json to_json(const service_status& service) {
  json counters = json::object();
  for (auto& counter : service.counters)
    counters[counter.name] = counter.value;
  return {{"service", service.service},
          {"state", service.state},
          {"restarts", service.restarts},
          {"counters", counters},
          {"note", service.note}};
}

json row_to_json(const row_set& rows, std::size_t row) {
  json object = json::object();
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    auto name = rows.columns[i];
    for (int number = 2; object.contains(name); ++number)
      name = rows.columns[i] + "_" + std::to_string(number);
    object[name] = to_json(rows.rows[row][i]);
  }
  return object;
}

std::string json_line(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

} // namespace quire::cli
