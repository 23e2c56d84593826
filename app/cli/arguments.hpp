#pragma once

#include "quire/messages/types/breaker.hpp"
#include "quire/messages/types/kind.hpp"
#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/schedule.hpp"
#include "quire/messages/types/task.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace quire::cli {

/// What every command that opens a database was given for it.
struct given_database {
  std::optional<std::string> path; ///< --db
  bool allow_network_fs = false;
};

/// `quire run`.
struct run_arguments {
  std::string file; ///< `-` for the standard input.
  given_database database;
  std::map<std::string, std::string> settings; ///< Parameters of the pipeline.
  std::optional<int> workers;
  bool json = false;
  bool quiet = false;
  bool resume = false;
  bool exclusive = false;
};

/// `quire sql`.
struct sql_arguments {
  std::string sql;
  std::vector<std::string> params;
  given_database database;
  bool json = false;
};

/// A task as somebody named it.
struct task_name {
  task_id id;            ///< 0: by its public id.
  std::string public_id; ///< Empty: by its number.
};

/// Which tasks are meant; `parent` of the filter is absent until its name is looked up.
struct given_filter {
  task_filter filter;
  std::optional<task_name> parent;
};

/// `quire task list`.
struct task_list_arguments {
  given_filter which;
  given_database database;
  bool json = false;
};

/// `quire task show`.
struct task_show_arguments {
  task_name task;
  given_database database;
  bool json = false;
};

/// `quire task submit`.
struct task_submit_arguments {
  task_spec task; ///< `payload` is as it was given: `-` for the standard input.
  std::chrono::milliseconds delay{0};
  bool text = false; ///< The payload need not be JSON.
  std::optional<std::string> subtasks; ///< The file that says them; `-` for the standard input.
  given_database database;
  bool json = false;
};

enum class task_change : std::uint8_t { retry, cancel };

/// `quire task retry` and `quire task cancel` of tasks that are named.
struct task_change_arguments {
  task_change what = task_change::retry;
  std::vector<task_name> tasks;
  std::string reason; ///< Of a cancel.
  given_database database;
  bool json = false;
};

/// The same of all tasks that match.
struct task_bulk_arguments {
  task_change what = task_change::retry;
  given_filter which;
  std::string reason;
  bool dry_run = false;
  given_database database;
  bool json = false;
};

/// `quire task wait`.
struct task_wait_arguments {
  std::vector<task_name> tasks;
  std::optional<std::chrono::milliseconds> timeout; ///< For ever if absent.
  given_database database;
  bool json = false;
};

/// `quire schedule put`.
struct schedule_put_arguments {
  schedule_spec schedule; ///< The payload is as it was given: `-` for the standard input.
  bool text = false;      ///< The payload need not be JSON.
  given_database database;
  bool json = false;
};

/// `quire schedule list`.
struct schedule_list_arguments {
  given_database database;
  bool json = false;
};

/// `quire schedule show`.
struct schedule_show_arguments {
  std::string name;
  given_database database;
  bool json = false;
};

/// `quire schedule pause`, `quire schedule resume` and `quire schedule remove`.
struct schedule_change_arguments {
  enum class change : std::uint8_t { pause, resume, remove };

  change what = change::pause;
  std::vector<std::string> names;
  given_database database;
  bool json = false;
};

/// `quire schedule next`.
struct schedule_next_arguments {
  std::string spec;
  std::string tz;
  std::optional<std::int64_t> after_ms; ///< Now if absent.
  std::int64_t count = 5;
  bool json = false;
};

/// `quire queue list`.
struct queue_list_arguments {
  given_database database;
  bool json = false;
};

/// `quire queue pause`, `quire queue resume` and `quire queue limit`.
struct queue_change_arguments {
  enum class change : std::uint8_t { pause, resume, limit };

  change what = change::pause;
  std::vector<std::string> names;
  std::optional<int> limit; ///< None if absent.
  given_database database;
  bool json = false;
};

/// `quire kind list`.
struct kind_list_arguments {
  given_database database;
  bool json = false;
};

/// `quire kind set`. What is absent stays as it is.
struct kind_set_arguments {
  std::string name;
  std::optional<std::optional<int>> limit;
  std::optional<std::optional<rate_limit>> rate; ///< Its burst does not count.
  std::optional<int> burst;
  std::optional<std::string> breaker; ///< Empty: none.
  given_database database;
  bool json = false;
};

/// `quire tenant list`.
struct tenant_list_arguments {
  given_database database;
  bool json = false;
};

/// `quire tenant set`. What is absent stays as it is.
struct tenant_set_arguments {
  std::string name;
  std::optional<int> weight;
  std::optional<std::optional<int>> limit;
  std::optional<bool> paused;
  given_database database;
  bool json = false;
};

/// `quire breaker list`.
struct breaker_list_arguments {
  given_database database;
  bool json = false;
};

/// `quire breaker put`.
struct breaker_put_arguments {
  std::string name;
  breaker_policy policy;
  given_database database;
  bool json = false;
};

/// `quire breaker open`, `quire breaker close` and `quire breaker remove`.
struct breaker_change_arguments {
  enum class change : std::uint8_t { open, close, remove };

  change what = change::open;
  std::vector<std::string> names;
  given_database database;
  bool json = false;
};

/// `quire pipeline list`.
struct pipeline_list_arguments {
  run_filter filter;
  given_database database;
  bool json = false;
};

/// `quire pipeline show`.
struct pipeline_show_arguments {
  run_id run;
  given_database database;
  bool json = false;
};

/// `quire status`.
struct status_arguments {
  given_database database;
  bool json = false;
};

/// `quire doctor`.
struct doctor_arguments {
  bool repair = false;
  given_database database;
  bool json = false;
};

/// `--help` of any command, and `--version`.
struct print_text {
  std::string text;
};

using command = std::variant<print_text, run_arguments, sql_arguments, task_list_arguments,
                             task_show_arguments, task_submit_arguments, task_change_arguments,
                             task_bulk_arguments, task_wait_arguments,
                             pipeline_list_arguments, pipeline_show_arguments, status_arguments,
                             schedule_put_arguments, schedule_list_arguments,
                             schedule_show_arguments, schedule_change_arguments,
                             schedule_next_arguments, queue_list_arguments,
                             queue_change_arguments, kind_list_arguments, kind_set_arguments,
                             tenant_list_arguments, tenant_set_arguments,
                             breaker_list_arguments, breaker_put_arguments,
                             breaker_change_arguments, doctor_arguments>;

} // namespace quire::cli
