#include "quire/app/cli/run_report.hpp"

#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/progress_view.hpp"
#include "quire/app/cli/text_table.hpp"

namespace quire::cli {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t reason_length_max = 300;

std::int64_t total_tasks(const run_record& run) {
  std::int64_t total = 0;
  for (auto& stage : run.stages)
    total += stage.total;
  return total;
}

bool alone_in_stage(const run_record& run, const task_record& task) {
  for (auto& stage : run.stages)
    if (stage.name == task.stage)
      return stage.total == 1;
  return false;
}

std::string stages_text(const run_record& run, std::size_t width_max) {
  text_table table({{"stage"}, {"state"}, {"total", true}, {"completed", true}, {"partial", true},
                    {"failed", true}, {"other", true}, {"elapsed", true}, {"rate", true}},
                   width_max);
  for (auto& stage : run.stages) {
    auto ran = stage.started_at_ms.has_value();
    auto elapsed = milliseconds{elapsed_ms(stage, stage.finished_at_ms.value_or(0))};
    table.add({stage.name, std::string{to_string(stage.state)}, std::to_string(stage.total),
               std::to_string(stage.completed), std::to_string(stage.partial_success),
               std::to_string(stage.failed), std::to_string(stage.cancelled + stage.skipped),
               ran ? duration_text(elapsed) : "", ran ? rate_text(stage.done(), elapsed) : ""});
  }
  return table.to_text();
}

std::string recovery_text(const run_report& report) {
  auto& run = report.run;
  std::string text;
  if (report.resumed)
    text += "resumed: this is process " + std::to_string(run.boots) + " that worked on the run\n";
  if (run.recovered > 0)
    text += "recovered: " + count_text(run.recovered, "task")
            + (run.recovered == 1 ? " was" : " were")
            + " running when an earlier process ended; "
            + (run.recovered == 1 ? "it was" : "they were") + " run again\n";
  else if (report.resumed)
    text += "recovered: no task was running when the earlier process ended\n";
  if (report.poisoned > 0)
    text += "given up: " + count_text(report.poisoned, "task")
            + ", because too many processes died while running them\n";
  return text;
}

std::string results_text(const run_report& report) {
  std::string text = "results: ";
  if (report.result)
    text += "quire task show " + std::to_string(report.result.value) + report.database_option
            + "   (" + report.result_stage + ")\n         ";
  return text + "quire task list --run " + std::to_string(report.run.id.value)
         + report.database_option + "\n";
}

} // namespace

std::int64_t unsuccessful(const run_record& run) {
  std::int64_t count = 0;
  for (auto& stage : run.stages)
    count += stage.failed + stage.partial_success;
  return count;
}

std::string failure_line(const task_record& task, bool alone) {
  auto line = task.stage;
  if (!alone && task.item >= 0)
    line += "[" + std::to_string(task.item) + "]";
  line += " (task " + std::to_string(task.id.value) + ")";
  if (task.state != task_state::failed)
    line += " " + std::string{to_string(task.state)};
  return line + ": " + actors::printable(task.error, reason_length_max);
}

std::string failures_text(const run_report& report) {
  std::string text;
  for (auto& stage : report.run.stages)
    if (!stage.error.empty())
      text += "  " + stage.name + ": " + actors::printable(stage.error, reason_length_max) + "\n";
  for (auto& task : report.failures)
    text += "  " + failure_line(task, alone_in_stage(report.run, task)) + "\n";
  auto more = report.failures_total - static_cast<std::int64_t>(report.failures.size());
  if (more > 0)
    text += "  ... and " + std::to_string(more) + " more: quire task list --run "
            + std::to_string(report.run.id.value) + " --state failed" + report.database_option + "\n";
  return text.empty() ? text : "what did not succeed:\n" + text;
}

std::string report_text(const run_report& report, std::size_t width_max) {
  auto& run = report.run;
  auto& writer = report.writer;
  auto commits = counter_of(writer, "commits");
  auto failures = failures_text(report);
  if (!failures.empty())
    failures += "\n";
  auto text = stages_text(run, width_max) + "\n" + failures + "run "
              + std::to_string(run.id.value) + " (" + run.pipeline
              + "): " + std::string{to_string(run.state)} + " in " + duration_text(report.elapsed)
              + "; " + count_text(total_tasks(run), "task") + "\n";
  text += recovery_text(report);
  text += "commits: " + std::to_string(commits) + ", members per commit: "
          + ratio_text(counter_of(writer, "members"), commits) + " (most "
          + std::to_string(counter_of(writer, "batch_max")) + ")\n";
  text += "locked errors: " + std::to_string(counter_of(writer, "locked_errors")) + "\n";
  text += "database: " + report.database + "\n";
  return text + results_text(report);
}

json report_json(const run_report& report) {
  auto& writer = report.writer;
  json object;
  object["event"] = "summary";
  object["run"] = report.run.id.value;
  object["state"] = to_string(report.run.state);
  object["database"] = report.database_path;
  object["resumed"] = report.resumed;
  object["elapsed_ms"] = report.elapsed.count();
  object["tasks"] = total_tasks(report.run);
  object["recovered"] = report.run.recovered;
  object["poisoned"] = report.poisoned;
  object["commits"] = counter_of(writer, "commits");
  object["members"] = counter_of(writer, "members");
  object["members_max"] = counter_of(writer, "batch_max");
  object["locked_errors"] = counter_of(writer, "locked_errors");
  object["result_task"] = report.result ? json(report.result.value) : json(nullptr);
  object["failures"] = json::array();
  for (auto& task : report.failures)
    object["failures"].push_back(to_json(task));
  object["failures_total"] = report.failures_total;
  object["run_record"] = to_json(report.run);
  return object;
}

} // namespace quire::cli
