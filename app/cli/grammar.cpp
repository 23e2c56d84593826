#include "quire/app/cli/grammar.hpp"

#include "quire/app/cli/grammar_parts.hpp"

#include <memory>
#include <utility>

namespace quire::cli {

namespace {

constexpr char mark = '\x01';

constexpr auto root_footer = R"(Every command explains itself: quire run --help

The database is that of --db, or of $QUIRE_DB, or var/quire.db.
Exit status: 0 completed, 1 error, 2 bad command line or pipeline file,
             3 partial_success, 4 failed or cancelled, 5 not well (doctor),
             130 interrupted.)";

constexpr auto run_footer =
  R"(On a terminal a line for each stage shows how far it is; into a file or a pipe
go lines without control characters. Ctrl-C ends the running programs and
leaves the run as it is: --resume goes on with it. Press it twice to leave at
once.

Exit status: 0 completed, 3 partial_success, 4 failed or cancelled,
             2 bad command line or pipeline file (nothing was touched),
             1 error, 130 interrupted.)";

constexpr auto sql_footer =
  R"(SQL is one statement. If it only reads, the file is opened read-only, and it
works while another process runs the database; if it writes, it goes through
the writer and is committed when this returns.

PARAM is bound to ?1, ?2, ...: as an integer if it is written as one (42, -7),
as a real number if it is written as one (2.5, 1e9), as text otherwise (007,
abc, NULL). Put -- before a text that begins with a dash.

With --json a row is an object; a blob is {"blob": "0a1b"}, in hexadecimal.)";

constexpr auto queue_footer =
  R"(Tasks that are running go on. It is kept in the database until it is changed again,
and works while another process runs the database: that process keeps to it with the
next tasks it starts.)";

constexpr auto schedule_footer =
  R"(SPEC is one word of the shell, so quote it:
  "30 2 * * MON-FRI"   minute hour day-of-month month day-of-week (a second may stand before)
  @daily               or @yearly, @monthly, @weekly, @hourly
  "every 15m"          or any number of s, m, h or d

Works while another process runs the database: that process takes notice within
seconds, and fires the schedule. If nobody does, what is missed is made up for
later as --catch-up says.)";

constexpr auto doctor_footer =
  R"(The file is checked (PRAGMA quick_check), and what must always hold in the tables
of Quire. Without --repair it only reads; with it, each repair is a write of its own
that counts anew what is there. It never deletes a payload or an output, and leaves a
damaged file as it is. Both work while another process runs the database.

Exit status: 0 all is well (or is now), 5 something is wrong and not repaired,
             1 error, 2 bad command line.)";

/// The lines of use as we write them: which arguments must be there is not
/// known to the library.
class help_format : public CLI::Formatter {
public:
  explicit help_format(const std::map<const CLI::App*, std::string>& usages) : usages_(&usages) {
    label("OPTIONS", "OPTION");
    label("Positionals", "Arguments");
    column_width(26);
  }

  std::string make_usage(const CLI::App* app, std::string) const override {
    auto found = usages_->find(app);
    return "Usage: " + (found == usages_->end() ? full_name(*app) : found->second) + "\n";
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    auto value = option->get_type_name();
    return value.empty() ? value : " " + value;
  }

  /// Not that of the program below each command.
  std::string make_footer(const CLI::App* app) const override {
    auto* parent = app->get_parent();
    return parent && parent->get_footer() == app->get_footer() ? "" : Formatter::make_footer(app);
  }

private:
  const std::map<const CLI::App*, std::string>* usages_;
};

} // namespace

grammar::grammar() : root("Tasks and pipelines on one SQLite file.", "quire") {
  root.formatter(std::make_shared<help_format>(usages_));
  root.set_help_flag("-h,--help", "Explain a command");
  add_flag(&root, "--version", "Show the version");
  root.require_subcommand(0, 1);
  root.allow_extras();
  root.footer(root_footer);
  usages_[&root] = "quire COMMAND [OPTION]...";
  add_run();
  add_sql();
  add_task();
  add_queue();
  add_kind();
  add_tenant();
  add_breaker();
  add_schedule();
  add_pipeline();
  status = add_command(root, "status", "Show how the database is.", "quire status [OPTION]...");
  add_database(status);
  add_flag(status, "--json", "One JSON object");
  add_doctor();
}

CLI::App* grammar::add_command(CLI::App& parent, const std::string& name,
                               const std::string& description, const std::string& usage) {
  auto* added = parent.add_subcommand(name, description);
  added->set_help_flag("-h,--help", "Explain this command");
  added->group("Commands");
  added->require_subcommand(0, 1);
  added->allow_extras();
  usages_[added] = usage;
  return added;
}

void grammar::add_run() {
  run = add_command(root, "run", "Run a pipeline to its end.", "quire run FILE.json [OPTION]...");
  add_value(run, "FILE", "", "The pipeline, JSON; - for the standard input");
  add_database(run);
  add_values(run, "--set", "KEY=VALUE", "Set a parameter of the pipeline; may be repeated")
    ->allow_extra_args(false);
  add_value(run, "--workers", "N",
            "Tasks that run at a time (default: twice the processors, 4 or more)");
  add_flag(run, "--json", "JSON lines of what happens, the last one a summary");
  add_flag(run, "--quiet", "Say nothing but errors");
  add_flag(run, "--exclusive", "Keep all other processes out of the database meanwhile");
  add_flag(run, "--resume", "Go on with the newest unfinished run of this pipeline, if any");
  run->footer(run_footer);
}

void grammar::add_sql() {
  sql =
    add_command(root, "sql", "Run one SQL statement.", "quire sql [OPTION]... \"SQL\" [PARAM]...");
  add_value(sql, "SQL", "", "One statement");
  add_values(sql, "PARAM", "", "What ?1, ?2, ... stand for");
  add_database(sql);
  add_flag(sql, "--json", "JSON lines, one row each");
  sql->footer(sql_footer);
}

void grammar::add_queue() {
  queue = add_command(root, "queue", "List, pause, resume and limit queues.",
                      "quire queue COMMAND [OPTION]...");
  queue_list = add_command(*queue, "list", "List queues by name with what waits and runs.",
                           "quire queue list [OPTION]...");
  queue_pause = add_command(*queue, "pause", "Start no task of queues until they are resumed.",
                            "quire queue pause NAME... [OPTION]...");
  queue_resume = add_command(*queue, "resume", "Start tasks of paused queues again.",
                             "quire queue resume NAME... [OPTION]...");
  for (auto* each : {queue_pause, queue_resume})
    add_values(each, "NAME", "", "Names of queues");
  queue_limit = add_command(*queue, "limit", "Run only so many tasks of a queue at a time.",
                            "quire queue limit NAME N [OPTION]...");
  add_value(queue_limit, "NAME", "", "Name of the queue");
  add_value(queue_limit, "N", "", "So many, up to 100000; none for no limit");
  for (auto* each : {queue_pause, queue_resume, queue_limit})
    each->footer(queue_footer);
  for (auto* each : {queue_list, queue_pause, queue_resume, queue_limit}) {
    add_database(each);
    add_flag(each, "--json", "JSON lines, one queue each, with all fields");
  }
}

void grammar::add_schedule() {
  schedule = add_command(root, "schedule", "Put tasks into their queues again and again.",
                         "quire schedule COMMAND [OPTION]...");
  add_schedule_put();
  schedule_list =
    add_command(*schedule, "list", "List schedules by name.", "quire schedule list [OPTION]...");
  schedule_show = add_command(*schedule, "show", "Show one schedule and when it fired.",
                              "quire schedule show NAME [OPTION]...");
  add_value(schedule_show, "NAME", "", "Name of the schedule");
  schedule_pause = add_command(*schedule, "pause", "Let schedules not fire until they are resumed.",
                               "quire schedule pause NAME... [OPTION]...");
  schedule_resume = add_command(*schedule, "resume", "Let paused schedules fire again.",
                                "quire schedule resume NAME... [OPTION]...");
  schedule_remove = add_command(*schedule, "remove", "Delete schedules; their tasks stay.",
                                "quire schedule remove NAME... [OPTION]...");
  for (auto* each : {schedule_pause, schedule_resume, schedule_remove})
    add_values(each, "NAME", "", "Names of schedules");
  for (auto* each : {schedule_put, schedule_list, schedule_show, schedule_pause, schedule_resume,
                     schedule_remove}) {
    add_database(each);
    add_flag(each, "--json", "JSON lines, one schedule each, with all fields");
  }
  schedule_next =
    add_command(*schedule, "next", "Show when a schedule would fire; needs no database.",
                "quire schedule next SPEC [OPTION]...");
  add_value(schedule_next, "SPEC", "", "When");
  add_value(schedule_next, "--tz", "ZONE", "Time zone of SPEC, as Europe/Berlin (default: UTC)");
  add_value(schedule_next, "--after", "TIME",
            "Times after this one, as 2026-03-28T12:00Z (default: now)");
  add_value(schedule_next, "--count", "N", "So many, up to 1000 (default: 5)");
  add_flag(schedule_next, "--json", "JSON lines, one time each");
  schedule_next->footer(schedule_footer);
}

void grammar::add_schedule_put() {
  schedule_put = add_command(*schedule, "put", "Create a schedule, or replace the one of its name.",
                             "quire schedule put NAME SPEC KIND [PAYLOAD] [OPTION]...");
  add_value(schedule_put, "NAME", "", "Its name, up to 100 bytes");
  add_value(schedule_put, "SPEC", "", "When it fires");
  add_task_options(schedule_put);
  add_value(schedule_put, "--tz", "ZONE", "Time zone of SPEC, as Europe/Berlin (default: UTC)");
  add_value(
    schedule_put, "--overlap", "POLICY",
    "If an earlier task has not ended: allow (the default), skip, queue_one or cancel_previous");
  add_value(schedule_put, "--catch-up", "POLICY",
            "Of times that were missed make up for none, the last (the default) or all");
  add_value(schedule_put, "--catch-up-max", "N", "With all: the newest N (default and most: 1000)");
  add_value(schedule_put, "--start", "TIME", "Never before this time, as 2026-03-28T12:00Z");
  add_value(schedule_put, "--end", "TIME", "Never after this time");
  add_value(schedule_put, "--jitter", "SECONDS", "Each task waits for up to so long (default: 0)");
  schedule_put->footer(schedule_footer);
}

void grammar::add_pipeline() {
  pipeline = add_command(root, "pipeline", "List and show runs of pipelines.",
                         "quire pipeline COMMAND [OPTION]...");
  pipeline_list = add_command(*pipeline, "list", "List runs, the newest first.",
                              "quire pipeline list [OPTION]...");
  add_value(pipeline_list, "--state", "STATE", "Only runs in this state (running, failed, ...)");
  add_value(pipeline_list, "--name", "NAME", "Only runs of this pipeline");
  add_value(pipeline_list, "--limit", "N", "At most so many (default: all)");
  pipeline_show = add_command(*pipeline, "show", "Show one run with its stages.",
                              "quire pipeline show RUN [OPTION]...");
  add_value(pipeline_show, "RUN", "", "Number of the run");
  for (auto* each : {pipeline_list, pipeline_show}) {
    add_database(each);
    add_flag(each, "--json", "JSON lines, one run each, with all fields");
  }
}

void grammar::add_doctor() {
  doctor = add_command(root, "doctor", "Check that the database is as it should be.",
                       "quire doctor [OPTION]...");
  add_database(doctor);
  add_flag(doctor, "--repair", "Repair what can be repaired without guessing");
  add_flag(doctor, "--json", "One JSON object");
  doctor->footer(doctor_footer);
}

const CLI::App& innermost(const CLI::App& root) {
  auto* app = &root;
  while (!app->get_subcommands().empty())
    app = app->get_subcommands().front();
  return *app;
}

std::string full_name(const CLI::App& app) {
  auto* parent = app.get_parent();
  return parent ? full_name(*parent) + " " + app.get_name() : app.get_name();
}

std::vector<std::string> given(const CLI::App& app, const std::string& name) {
  auto* option = app.get_option_no_throw(name);
  auto results = option ? option->results() : std::vector<std::string>{};
  for (auto& text : results)
    if (!text.empty() && text.back() == mark)
      text.pop_back();
  return results;
}

std::string protect(const std::string& argument) {
  return argument.starts_with('[') && argument.ends_with(']') ? argument + mark : argument;
}

} // namespace quire::cli
