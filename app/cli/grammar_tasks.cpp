#include "quire/app/cli/grammar.hpp"
#include "quire/app/cli/grammar_parts.hpp"

namespace quire::cli {

namespace {

constexpr auto change_footer =
  R"(Name the tasks, or say which ones: with the options from --state to --error-text, all of
which must hold, or with --all. What cannot be changed stays as it is: why goes to stderr,
and the exit status is 1. --dry-run only counts.

Works while another process runs the database: that process takes notice
within seconds. If nobody runs it, the change waits for the next quire run.)";

constexpr auto submit_footer =
  R"(It is committed when this returns. Works while another process runs the database:
that process takes notice within seconds. If nobody does, the task waits for the next
one that has a handler for its kind; quire run has one for the kind command:

  quire task submit command '{"argv": ["make", "report"], "cwd": "/srv/app"}'

Subtasks are a JSON list of objects with "kind" and, if wanted, "payload", "queue", "tenant",
"priority", "max_attempts", "timeout_s" and "subtasks" of their own.)";

constexpr auto wait_footer =
  R"(Says how each one ended, as it ends. Works while another process runs the database.

Exit status: 0 all completed, 3 some succeeded in part, 4 some failed or were cancelled,
             1 error, or some have not ended when the time is up.)";

/// What says of which tasks a command speaks.
void add_filter(CLI::App* app) {
  add_value(app, "--state", "STATE", "Only tasks in this state (failed, running, ...; pending: all that wait)");
  add_value(app, "--kind", "KIND", "Only tasks of this kind");
  add_value(app, "--queue", "NAME", "Only tasks of this queue");
  add_value(app, "--tenant", "NAME", "Only tasks of this tenant");
  add_value(app, "--parent", "ID", "Only subtasks of the task with this number or public id");
  add_value(app, "--run", "RUN", "Only tasks of this run");
  add_value(app, "--stage", "STAGE", "Only tasks of stages with this name");
  add_value(app, "--gate", "NAME", "Only tasks of this gate");
  add_value(app, "--unique", "KEY", "Only tasks that were created with this key");
  add_value(app, "--created-after", "TIME", "Created then or later, as 2026-03-28T12:00Z");
  add_value(app, "--created-before", "TIME", "Created before this time");
  add_value(app, "--finished-after", "TIME", "Ended then or later");
  add_value(app, "--finished-before", "TIME", "Ended before this time");
  add_value(app, "--error-class", "CLASS", "Failed so (transient, permanent, timeout, ...)");
  add_value(app, "--error-text", "TEXT", "This is in their error; never of completed tasks");
}

void add_bulk(CLI::App* app) {
  add_filter(app);
  add_flag(app, "--all", "All tasks that can be");
  add_flag(app, "--dry-run", "Say how many match and would be changed, and change nothing");
}

} // namespace

void grammar::add_task() {
  task = add_command(root, "task", "Submit, list, show, retry, cancel and await tasks.",
                     "quire task COMMAND [OPTION]...");
  task_list =
    add_command(*task, "list", "List tasks by their number.", "quire task list [OPTION]...");
  add_filter(task_list);
  add_value(task_list, "--limit", "N", "At most so many (default: all)");
  task_show = add_command(*task, "show", "Show one task with all that hangs on it.",
                          "quire task show ID [OPTION]...");
  add_value(task_show, "ID", "", "Number of the task, or its public id");
  add_submit();
  task_retry =
    add_command(*task, "retry", "Start ended tasks again.", "quire task retry [ID]... [OPTION]...");
  add_values(task_retry, "ID", "",
             "Numbers or public ids of tasks that failed, were cancelled or succeeded in part");
  add_bulk(task_retry);
  task_retry->footer(change_footer);
  task_cancel =
    add_command(*task, "cancel", "Cancel tasks.", "quire task cancel [ID]... [OPTION]...");
  add_values(task_cancel, "ID", "", "Numbers or public ids of tasks that have not ended");
  add_value(task_cancel, "--reason", "TEXT", "Why; kept with the task");
  add_bulk(task_cancel);
  task_cancel->footer(change_footer);
  task_wait =
    add_command(*task, "wait", "Wait until tasks have ended.", "quire task wait ID... [OPTION]...");
  add_values(task_wait, "ID", "", "Numbers or public ids of tasks");
  add_value(task_wait, "--timeout", "SECONDS", "For so long at most (default: for ever)");
  task_wait->footer(wait_footer);
  for (auto* each : {task_submit, task_list, task_show, task_wait})
    add_flag(each, "--json", "JSON lines, one task each, with all fields");
  for (auto* each : {task_retry, task_cancel})
    add_flag(each, "--json",
             "JSON lines: each task that is named, or the counts of all that match");
  for (auto* each : {task_submit, task_list, task_show, task_retry, task_cancel, task_wait})
    add_database(each);
}

void grammar::add_submit() {
  task_submit = add_command(*task, "submit", "Put a task into its queue.",
                            "quire task submit KIND [PAYLOAD] [OPTION]...");
  add_task_options(task_submit);
  add_value(task_submit, "--delay", "SECONDS", "Not before so many seconds from now");
  add_value(task_submit, "--subtasks", "FILE",
            "Create these with it, and start it when they have ended; - for the standard input");
  add_value(task_submit, "--unique", "KEY", "Only if no open task of its kind has this key");
  add_value(task_submit, "--unique-for", "SECONDS",
            "The key counts for so long, even if the task ends before");
  add_value(
    task_submit, "--on-duplicate", "POLICY",
    "If one has: keep the existing one (the default), replace it if it waits, or reject this one");
  task_submit->footer(submit_footer);
}

} // namespace quire::cli
