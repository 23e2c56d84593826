#include "quire/app/cli/task_view.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/progress_view.hpp"

#include <chrono>
#include <limits>

namespace quire::cli {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

std::string place_of(const task_record& task) {
  if (task.item < 0)
    return task.stage;
  return task.stage + "[" + std::to_string(task.item) + "]";
}

/// A text of several lines: as it is, indented; other control characters are
/// escaped.
std::string indented(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    result += "  " + actors::printable(text.substr(at, end - at), no_limit) + "\n";
    at = end + 1;
  }
  return result;
}

/// JSON for people: a text as it is, lists of texts line by line, anything else
/// as JSON with line breaks.
std::string json_for_people(const std::string& text) {
  auto value = json::parse(text, nullptr, false);
  if (value.is_discarded())
    return indented(text);
  if (value.is_string())
    return indented(value.get<std::string>());
  return indented(value.dump(2, ' ', false, json::error_handler_t::replace));
}

std::string section(const std::string& name, const std::string& text) {
  return text.empty() ? std::string{} : "\n" + name + "\n" + json_for_people(text);
}

std::string error_text(const task_record& task) {
  if (task.error.empty() || task.error_kind == error_class::none)
    return task.error;
  return task.error + " (" + std::string{to_string(task.error_kind)} + ")";
}

std::string attempts_text(const std::vector<attempt_record>& attempts) {
  if (attempts.empty())
    return {};
  text_table table({{"attempt", true}, {"epoch", true}, {"boot", true}, {"started"}, {"elapsed", true},
                    {"outcome"}, {"class"}, {"error"}});
  for (auto& attempt : attempts)
    table.add({std::to_string(attempt.attempt), std::to_string(attempt.epoch),
               attempt.boot > 0 ? std::to_string(attempt.boot) : "", time_text(attempt.started_at_ms),
               duration_text(milliseconds{attempt.ended_at_ms - attempt.started_at_ms}),
               attempt.outcome,
               attempt.error_kind == error_class::none ? ""
                                                       : std::string{to_string(attempt.error_kind)},
               attempt.error});
  return "\nattempts\n" + table.to_text();
}

std::string progress_text(const task_record& task) {
  if (task.step.empty() && (task.progress == 0 || task.state == task_state::completed))
    return {};
  return std::to_string(task.progress) + " %"
         + (task.step.empty() ? "" : ", " + actors::printable(task.step, no_limit));
}

std::string steps_text(const std::vector<step_record>& steps) {
  if (steps.empty())
    return {};
  text_table table({{"step done"}, {"at"}, {"epoch", true}, {"bytes", true}});
  for (auto& step : steps)
    table.add({actors::printable(step.name, no_limit), time_text(step.at_ms),
               std::to_string(step.epoch), std::to_string(step.bytes)});
  return "\nsteps\n" + table.to_text();
}

std::string log_text(const std::vector<log_line>& log) {
  if (log.empty())
    return {};
  std::string text = "\nlog\n";
  for (auto& line : log)
    text += "  " + time_text(line.at_ms) + "  " + actors::printable(line.text, no_limit) + "\n";
  return text;
}

std::string params_text(const run_record& run) {
  std::string text;
  for (auto& [name, value] : run.params)
    text += (text.empty() ? "" : " ") + name + "=" + shell_quoted(value);
  return text;
}

milliseconds age_of(const run_record& run, std::int64_t now_ms) {
  return milliseconds{run.finished_at_ms.value_or(now_ms) - run.created_at_ms};
}

struct task_counts {
  std::int64_t total = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
};

task_counts count_tasks(const run_record& run) {
  task_counts counts;
  for (auto& stage : run.stages) {
    counts.total += stage.total;
    counts.done += stage.done();
    counts.failed += stage.failed;
  }
  return counts;
}

} // namespace

text_table make_task_table(std::size_t width_max) {
  return text_table({{"id", true}, {"state"}, {"kind"}, {"run", true}, {"stage"}, {"attempt"},
                     {"created"}, {"elapsed", true}, {"error"}},
                    width_max);
}

void add_task(text_table& table, const task_record& task) {
  auto elapsed = task.started_at_ms && task.finished_at_ms
                   ? duration_text(milliseconds{*task.finished_at_ms - *task.started_at_ms})
                   : std::string{};
  table.add({std::to_string(task.id.value), std::string{to_string(task.state)}, task.kind,
             task.run ? std::to_string(task.run.value) : "", place_of(task),
             std::to_string(task.attempt) + "/" + std::to_string(task.attempts_max),
             time_text(task.created_at_ms), elapsed, task.error});
}

std::string task_text(const task_details& details, const std::string& public_id) {
  auto& task = details.task;
  auto state = std::string{to_string(task.state)};
  if (task.cancel_requested && !is_terminal(task.state))
    state += ", asked to stop";
  std::string text = field("task", std::to_string(task.id.value));
  text += field("public id", public_id);
  text += field("state", state);
  text += field("kind", task.kind);
  text += field("queue", task.queue);
  text += field("tenant", task.tenant);
  text += field("priority", priority_text(task.priority, details.head_start));
  text += field("parent", task.parent ? std::to_string(task.parent.value) : "");
  text += field("subtasks", task.subtasks == 0 ? ""
                                               : std::to_string(task.subtasks) + ", "
                                                   + std::to_string(task.subtasks_open)
                                                   + " have not ended");
  text += field("run", task.run ? std::to_string(task.run.value) : "");
  text += field("stage", place_of(task));
  text += field("gate", task.gate);
  text += field("unique key", task.unique_key);
  text += field("attempt",
                std::to_string(task.attempt) + " of " + std::to_string(task.attempts_max));
  text += field("crashes", std::to_string(task.crashes));
  text += field("snoozes", task.snoozes > 0 ? std::to_string(task.snoozes) : "");
  text += field("epoch", std::to_string(task.epoch));
  text += field("created", time_text(task.created_at_ms));
  text += field("not before", time_text(task.run_at_ms));
  text += field("started", time_text(task.started_at_ms));
  text += field("finished", time_text(task.finished_at_ms));
  text += field("expires", time_text(task.expires_at_ms));
  text += field("progress", progress_text(task));
  text += field("error", error_text(task));
  text += section("payload", details.payload);
  text += section("output", details.output);
  text += field("output file", details.output_file);
  text += section("detail", details.detail);
  return text + attempts_text(details.attempts) + steps_text(details.steps) + log_text(details.log);
}

text_table make_run_table(std::size_t width_max) {
  return text_table({{"run", true}, {"state"}, {"pipeline"}, {"stages"}, {"tasks"}, {"failed", true},
                     {"created"}, {"elapsed", true}},
                    width_max);
}

void add_run(text_table& table, const run_record& run, std::int64_t now_ms) {
  auto counts = count_tasks(run);
  std::int64_t ended = 0;
  for (auto& stage : run.stages)
    ended += is_terminal(stage.state) ? 1 : 0;
  table.add({std::to_string(run.id.value), std::string{to_string(run.state)}, run.pipeline,
             std::to_string(ended) + "/" + std::to_string(run.stages.size()),
             std::to_string(counts.done) + "/" + std::to_string(counts.total),
             std::to_string(counts.failed), time_text(run.created_at_ms),
             duration_text(age_of(run, now_ms))});
}

std::string run_text(const run_record& run, std::int64_t now_ms, std::size_t width_max) {
  auto state = std::string{to_string(run.state)};
  if (run.cancel_requested && !is_terminal(run.state))
    state += ", asked to stop";
  std::string text = field("run", std::to_string(run.id.value));
  text += field("pipeline", run.pipeline);
  text += field("state", state);
  text += field("params", params_text(run));
  text += field("created", time_text(run.created_at_ms));
  text += field("finished", time_text(run.finished_at_ms));
  text += field("elapsed", duration_text(age_of(run, now_ms)));
  text += field("processes", std::to_string(run.boots));
  text += field("recovered", std::to_string(run.recovered));
  text_table table({{"stage"}, {"state"}, {"total", true}, {"completed", true}, {"partial", true},
                    {"failed", true}, {"other", true}, {"elapsed", true}, {"error"}},
                   width_max);
  for (auto& stage : run.stages)
    table.add({stage.name, std::string{to_string(stage.state)}, std::to_string(stage.total),
               std::to_string(stage.completed), std::to_string(stage.partial_success),
               std::to_string(stage.failed), std::to_string(stage.cancelled + stage.skipped),
               stage.started_at_ms ? duration_text(milliseconds{elapsed_ms(stage, now_ms)}) : "",
               stage.error});
  return text + "\n" + table.to_text();
}

} // namespace quire::cli
