#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <string>
#include <vector>

namespace quire::cli {

/// All commands and options. The library splits the line and writes the help;
/// what is wrong with a line is said by us, so nothing is required here.
class grammar {
public:
  grammar();
  grammar(const grammar&) = delete;
  grammar& operator=(const grammar&) = delete;

  CLI::App root;
  CLI::App* run = nullptr;
  CLI::App* sql = nullptr;
  CLI::App* task = nullptr;
  CLI::App* task_submit = nullptr;
  CLI::App* task_list = nullptr;
  CLI::App* task_show = nullptr;
  CLI::App* task_retry = nullptr;
  CLI::App* task_cancel = nullptr;
  CLI::App* task_wait = nullptr;
  CLI::App* schedule = nullptr;
  CLI::App* schedule_put = nullptr;
  CLI::App* schedule_list = nullptr;
  CLI::App* schedule_show = nullptr;
  CLI::App* schedule_pause = nullptr;
  CLI::App* schedule_resume = nullptr;
  CLI::App* schedule_remove = nullptr;
  CLI::App* schedule_next = nullptr;
  CLI::App* queue = nullptr;
  CLI::App* queue_list = nullptr;
  CLI::App* queue_pause = nullptr;
  CLI::App* queue_resume = nullptr;
  CLI::App* queue_limit = nullptr;
  CLI::App* kind = nullptr;
  CLI::App* kind_list = nullptr;
  CLI::App* kind_set = nullptr;
  CLI::App* tenant = nullptr;
  CLI::App* tenant_list = nullptr;
  CLI::App* tenant_set = nullptr;
  CLI::App* breaker = nullptr;
  CLI::App* breaker_list = nullptr;
  CLI::App* breaker_put = nullptr;
  CLI::App* breaker_open = nullptr;
  CLI::App* breaker_close = nullptr;
  CLI::App* breaker_remove = nullptr;
  CLI::App* pipeline = nullptr;
  CLI::App* pipeline_list = nullptr;
  CLI::App* pipeline_show = nullptr;
  CLI::App* status = nullptr;
  CLI::App* doctor = nullptr;

private:
  CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& description,
                        const std::string& usage);
  void add_run();
  void add_sql();
  void add_task();
  void add_submit();
  void add_queue();
  void add_kind();
  void add_tenant();
  void add_breaker();
  void add_schedule();
  void add_schedule_put();
  void add_pipeline();
  void add_doctor();

  std::map<const CLI::App*, std::string> usages_;
};

/// Returns the command that was named, `quire` itself if none was.
const CLI::App& innermost(const CLI::App& root);

/// Returns what a user types for `app`: `quire task list`.
std::string full_name(const CLI::App& app);

/// Returns what was given for an option or argument of `app`, in order.
std::vector<std::string> given(const CLI::App& app, const std::string& name);

/// Encloses the arguments that the library would take for a list in brackets,
/// and take apart.
std::string protect(const std::string& argument);

} // namespace quire::cli
