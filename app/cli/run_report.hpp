#pragma once

#include "quire/app/cli/json_objects.hpp"
#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/status.hpp"
#include "quire/messages/types/task.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace quire::cli {

/// What is said at the end of a run.
struct run_report {
  run_record run;
  std::string database;             ///< With a word on who chose it.
  std::string database_path;
  std::string database_option;      ///< ` --db x.db`, where other commands need it.
  bool resumed = false;
  std::chrono::milliseconds elapsed{0}; ///< In this process.
  std::int64_t recovered = 0;       ///< Tasks of any run that this process found orphaned.
  std::int64_t poisoned = 0;        ///< Of them, given up.
  service_status writer;            ///< Its counters.
  std::vector<task_record> failures; ///< The first tasks that did not succeed.
  std::int64_t failures_total = 0;
  task_id result;                   ///< The task of the last stage, if it is one.
  std::string result_stage;
};

/// How many tasks failed or succeeded in part.
std::int64_t unsuccessful(const run_record& run);

/// `count[2] (task 5): wc exited with status 1: ...`; without the `[2]` if it is
/// the only task of its stage.
std::string failure_line(const task_record& task, bool alone);

/// Which tasks and stages failed and why, a line each; empty if none did.
std::string failures_text(const run_report& report);

/// The table of stages and the lines below it.
std::string report_text(const run_report& report, std::size_t width_max);

/// The same as an object: `{"event": "summary", ...}`.
json report_json(const run_report& report);

} // namespace quire::cli
