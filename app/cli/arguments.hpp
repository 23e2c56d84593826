#pragma once

#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/task.hpp"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace quire::cli {

/// `quire run`.
struct run_arguments {
  std::string file;                            ///< `-` for the standard input.
  std::optional<std::string> database;
  std::map<std::string, std::string> settings; ///< Parameters of the pipeline.
  std::optional<int> workers;
  bool json = false;
  bool quiet = false;
  bool resume = false;
};

/// `quire sql`.
struct sql_arguments {
  std::string sql;
  std::vector<std::string> params;
  std::optional<std::string> database;
  bool json = false;
};

/// `quire task list`.
struct task_list_arguments {
  task_filter filter;
  std::optional<std::string> database;
  bool json = false;
};

/// `quire task show`.
struct task_show_arguments {
  task_id task;
  std::optional<std::string> database;
  bool json = false;
};

/// `quire task retry` and `quire task cancel`.
struct task_change_arguments {
  enum class change : std::uint8_t { retry, cancel };

  change what = change::retry;
  std::vector<task_id> tasks;
  std::string reason;
  std::optional<std::string> database;
  bool json = false;
};

/// `quire pipeline list`.
struct pipeline_list_arguments {
  run_filter filter;
  std::optional<std::string> database;
  bool json = false;
};

/// `quire pipeline show`.
struct pipeline_show_arguments {
  run_id run;
  std::optional<std::string> database;
  bool json = false;
};

/// `quire status`.
struct status_arguments {
  std::optional<std::string> database;
  bool json = false;
};

/// `--help` of any command, and `--version`.
struct print_text {
  std::string text;
};

using command = std::variant<print_text, run_arguments, sql_arguments, task_list_arguments,
                             task_show_arguments, task_change_arguments, pipeline_list_arguments,
                             pipeline_show_arguments, status_arguments>;

} // namespace quire::cli
