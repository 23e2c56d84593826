#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/schedule_view.hpp"
#include "quire/app/cli/text_source.hpp"
#include "quire/storage/schedule_times.hpp"

namespace quire::cli {

namespace {

using change = schedule_change_arguments::change;

constexpr auto without_owner = "schedules fire when a process does";

/// What is said about a schedule that was written.
std::string next_text(const schedule_record& record) {
  auto text = "schedule " + actors::printable(record.schedule.name) + ": ";
  if (record.paused)
    return text + "paused";
  if (!record.next_at_ms)
    return text + "over: no time is left";
  return text + "next " + local_text(*record.next_at_ms, record.schedule.tz);
}

void remove_one(runtime& visiting, const std::string& name, bool as_json, console& to) {
  if (!visiting.remove_schedule(name))
    throw failure(errc::not_found, "there is no schedule '" + name + "'; nothing was changed");
  to.out(as_json ? json_line({{"name", name}, {"removed", true}})
                 : "schedule " + actors::printable(name) + ": removed\n");
}

void change_one(runtime& visiting, const schedule_change_arguments& arguments,
                const std::string& name, console& to) {
  if (arguments.what == change::remove)
    return remove_one(visiting, name, arguments.json, to);
  auto record = arguments.what == change::pause ? visiting.pause_schedule(name)
                                                : visiting.resume_schedule(name);
  to.out(arguments.json ? json_line(to_json(record)) : next_text(record) + "\n");
}

} // namespace

exit_status put_schedule(const schedule_put_arguments& arguments, console& to) {
  auto schedule = arguments.schedule;
  auto& payload = schedule.task.payload;
  payload = read_payload("quire schedule put", payload, arguments.text);
  database_choice database(arguments.database);
  database.look_at_tasks(); // Says what is missing, and creates nothing.
  auto record = database.visit()->put_schedule(std::move(schedule));
  if (arguments.json)
    to.out(json_line(to_json(record)));
  else
    to.out(next_text(record) + "; database: " + database.description() + "; "
           + database.when_noticed(without_owner) + "\n");
  return exit_completed;
}

exit_status list_schedules(const schedule_list_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto records = database.look_at_tasks()->schedules();
  auto table = make_schedule_table(to.table_width());
  std::string text;
  for (auto& record : records) {
    if (arguments.json)
      text += json_line(to_json(record));
    else
      add_schedule(table, record);
  }
  to.out(arguments.json || records.empty() ? text : table.to_text());
  if (!arguments.json)
    to.out(count_text(static_cast<std::int64_t>(records.size()), "schedule")
           + "; database: " + database.description() + "\n");
  return exit_completed;
}

exit_status show_schedule(const schedule_show_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto details = database.look_at_tasks()->find_schedule(arguments.name);
  if (!details)
    throw command_error("there is no schedule '" + arguments.name + "' in the database "
                        + database.description());
  to.out(arguments.json ? json_line(to_json(*details)) : schedule_text(*details));
  return exit_completed;
}

exit_status change_schedules(const schedule_change_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  database.look_at_tasks(); // Says what is missing, and creates nothing.
  auto visiting = database.visit();
  auto status = exit_completed;
  for (auto& name : arguments.names) {
    try {
      change_one(*visiting, arguments, name, to);
    } catch (const failure& refused) {
      if (refused.code() != errc::not_found)
        throw;
      to.note(refused.what());
      status = exit_error;
    }
  }
  if (!arguments.json && status == exit_completed)
    to.out("database: " + database.description() + "; " + database.when_noticed(without_owner)
           + "\n");
  return status;
}

exit_status show_next_times(const schedule_next_arguments& arguments, console& to) {
  auto at = arguments.after_ms.value_or(system_clock_source{}.unix_ms());
  storage::schedule_times times{arguments.spec, arguments.tz, at};
  std::string text;
  for (std::int64_t i = 0; i < arguments.count; ++i) {
    auto next = times.next_after(at);
    if (!next)
      break;
    at = *next;
    auto local = local_text(at, arguments.tz);
    text += arguments.json ? json_line({{"at_ms", at}, {"local", local}}) : local + "\n";
  }
  to.out(text);
  return exit_completed;
}

} // namespace quire::cli
