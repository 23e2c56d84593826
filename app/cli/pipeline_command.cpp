#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/run_report.hpp"
#include "quire/app/cli/task_view.hpp"
#include "quire/app/runtime.hpp"

namespace quire::cli {

namespace {

constexpr std::int64_t failures_shown_max = 20;

/// The failures of a run, as at its end.
std::string failures_of(runtime& looking, const run_record& run, const database_choice& database) {
  run_report report;
  report.run = run;
  report.database_option = database.option();
  task_filter filter;
  filter.run = run.id;
  filter.state = task_state::failed;
  filter.limit = failures_shown_max;
  report.failures = looking.tasks(filter);
  for (auto& stage : run.stages)
    report.failures_total += stage.failed;
  auto text = failures_text(report);
  return text.empty() ? text : "\n" + text;
}

} // namespace

exit_status list_pipelines(const pipeline_list_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto runs = database.look_at_tasks()->runs(arguments.filter);
  auto now_ms = system_clock_source{}.unix_ms();
  if (arguments.json) {
    for (auto& run : runs)
      to.out(json_line(to_json(run)));
    return exit_completed;
  }
  auto table = make_run_table(to.table_width());
  for (auto& run : runs)
    add_run(table, run, now_ms);
  auto text = runs.empty() ? std::string{} : table.to_text();
  to.out(text + count_text(static_cast<std::int64_t>(runs.size()), "run") + "; database: "
         + database.description() + "\n");
  return exit_completed;
}

exit_status show_pipeline(const pipeline_show_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto looking = database.look_at_tasks();
  auto run = looking->find(arguments.run);
  if (!run)
    throw command_error("there is no run " + std::to_string(arguments.run.value)
                        + " in the database " + database.description());
  if (arguments.json) {
    to.out(json_line(to_json(*run)));
    return exit_completed;
  }
  auto now_ms = system_clock_source{}.unix_ms();
  to.out(run_text(*run, now_ms, to.table_width()) + failures_of(*looking, *run, database));
  return exit_completed;
}

} // namespace quire::cli
