#include "quire/actors/log.hpp"
#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/command_line.hpp"
#include "quire/app/cli/commands.hpp"
#include "quire/app/failure.hpp"
#include "quire/storage/error.hpp"

#include <csignal>
#include <exception>

#include <fcntl.h>
#include <unistd.h>

namespace quire::cli {

namespace {

/// Calls what the command line asks for.
struct dispatcher {
  console& to;

  exit_status operator()(const print_text& x) const {
    to.out(x.text);
    return exit_completed;
  }
  exit_status operator()(const run_arguments& x) const { return run_pipeline(x, to); }
  exit_status operator()(const sql_arguments& x) const { return run_sql(x, to); }
  exit_status operator()(const task_list_arguments& x) const { return list_tasks(x, to); }
  exit_status operator()(const task_show_arguments& x) const { return show_task(x, to); }
  exit_status operator()(const task_submit_arguments& x) const { return submit_task(x, to); }
  exit_status operator()(const task_change_arguments& x) const { return change_tasks(x, to); }
  exit_status operator()(const task_bulk_arguments& x) const { return change_matching_tasks(x, to); }
  exit_status operator()(const task_wait_arguments& x) const { return wait_for_tasks(x, to); }
  exit_status operator()(const pipeline_list_arguments& x) const { return list_pipelines(x, to); }
  exit_status operator()(const pipeline_show_arguments& x) const { return show_pipeline(x, to); }
  exit_status operator()(const schedule_put_arguments& x) const { return put_schedule(x, to); }
  exit_status operator()(const schedule_list_arguments& x) const { return list_schedules(x, to); }
  exit_status operator()(const schedule_show_arguments& x) const { return show_schedule(x, to); }
  exit_status operator()(const schedule_change_arguments& x) const { return change_schedules(x, to); }
  exit_status operator()(const schedule_next_arguments& x) const { return show_next_times(x, to); }
  exit_status operator()(const queue_list_arguments& x) const { return list_queues(x, to); }
  exit_status operator()(const queue_change_arguments& x) const { return change_queues(x, to); }
  exit_status operator()(const kind_list_arguments& x) const { return list_kinds(x, to); }
  exit_status operator()(const kind_set_arguments& x) const { return set_kind(x, to); }
  exit_status operator()(const tenant_list_arguments& x) const { return list_tenants(x, to); }
  exit_status operator()(const tenant_set_arguments& x) const { return set_tenant(x, to); }
  exit_status operator()(const breaker_list_arguments& x) const { return list_breakers(x, to); }
  exit_status operator()(const breaker_put_arguments& x) const { return put_breaker(x, to); }
  exit_status operator()(const breaker_change_arguments& x) const { return change_breakers(x, to); }
  exit_status operator()(const status_arguments& x) const { return show_status(x, to); }
  exit_status operator()(const doctor_arguments& x) const { return run_doctor(x, to); }
};

/// An error is one line, whatever went into it, and says what became of the data.
std::string one_line(const std::exception& error) {
  auto text = actors::printable(error.what(), 4'000);
  auto* failed = dynamic_cast<const failure*>(&error);
  auto says = [&](const char* words) { return text.find(words) != text.npos; };
  if (!failed || says("othing was") || says("stopped before its end"))
    return text;
  if (outcome_of(failed->code()) == write_outcome::unknown && !says("unknown"))
    text += "; whether it took effect is unknown: look before you try again";
  else if (failed->code() == errc::disk_full)
    text += "; nothing was changed; make room and try again";
  else if (failed->code() == errc::busy)
    text += "; nothing was changed; try again when the other program is done";
  return text;
}

/// A file that we open must never become somebody's standard output: what is said
/// there would be written into it.
/// Whoever closed them meant that: reading and writing still fail.
void open_standard_files() {
  for (int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(number, F_GETFD) < 0)
      static_cast<void>(::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY));
}

exit_status run_program(const std::vector<std::string>& arguments) {
  console to;
  try {
    return std::visit(dispatcher{to}, parse_command_line(arguments));
  } catch (const usage_error& error) {
    to.complain(one_line(error));
    return exit_usage;
  } catch (const output_closed&) {
    return exit_completed;
  } catch (const std::exception& error) {
    to.note(one_line(error));
    return exit_error;
  }
}

} // namespace

} // namespace quire::cli

int main(int argc, char** argv) {
  quire::cli::open_standard_files();
  // A reader that went away is seen where the output is written.
  std::signal(SIGPIPE, SIG_IGN);
  // A file past the limit of the shell (ulimit -f) is an error like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  // What a service does about trouble is no concern of whoever runs a command: what comes
  // of it is in the answers, and in the states and errors of tasks.
  quire::actors::set_log_level(quire::actors::log_level::error);
  return quire::cli::run_program({argv + (argc > 0 ? 1 : 0), argv + argc});
}
