#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/text_table.hpp"

#include <algorithm>

namespace quire::cli {

namespace {

using change = queue_change_arguments::change;

json to_json(const queue_record& queue) {
  json object;
  object["name"] = queue.name;
  object["paused"] = queue.paused_at_ms.has_value();
  object["paused_at_ms"] = or_null(queue.paused_at_ms);
  object["limit"] = or_null(queue.limit);
  object["ready"] = queue.ready;
  object["running"] = queue.running;
  object["blocked"] = queue.blocked;
  object["scheduled"] = queue.scheduled;
  return object;
}

std::string state_of(const queue_record& queue) {
  return queue.paused_at_ms ? "paused" : "active";
}

/// `queue mail: paused; 3 tasks ready, 1 running`.
std::string one_line(const queue_record& queue) {
  auto text = "queue " + actors::printable(queue.name) + ": " + state_of(queue);
  if (queue.limit)
    text += ", at most " + std::to_string(*queue.limit) + " at a time";
  return text + "; " + count_text(queue.ready, "task") + " ready, " + std::to_string(queue.running)
         + " running\n";
}

queue_record change_one(runtime& visiting, const queue_change_arguments& arguments,
                        const std::string& name) {
  switch (arguments.what) {
    case change::pause: return visiting.pause_queue(name);
    case change::resume: return visiting.resume_queue(name);
    case change::limit: break;
  }
  return visiting.limit_queue(name, arguments.limit);
}

/// What is decided for a queue that nobody uses may well be a misspelling.
void note_unknown(const std::string& name, const std::vector<queue_record>& known, console& to) {
  if (std::ranges::any_of(known, [&](auto& queue) { return queue.name == name; }))
    return;
  std::vector<std::string> names;
  for (auto& queue : known)
    names.push_back(queue.name);
  to.note("no task was ever put into the queue '" + name + "'" + actors::suggestion(name, names));
}

} // namespace

exit_status list_queues(const queue_list_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto queues = database.look_at_tasks()->queues();
  text_table table({{"name"},
                    {"state"},
                    {"limit", true},
                    {"ready", true},
                    {"running", true},
                    {"blocked", true},
                    {"scheduled", true}},
                   to.table_width());
  std::string text;
  for (auto& queue : queues) {
    if (arguments.json)
      text += json_line(to_json(queue));
    else
      table.add({queue.name, state_of(queue), queue.limit ? std::to_string(*queue.limit) : "",
                 std::to_string(queue.ready), std::to_string(queue.running),
                 std::to_string(queue.blocked), std::to_string(queue.scheduled)});
  }
  to.out(arguments.json || queues.empty() ? text : table.to_text());
  if (!arguments.json)
    to.out(count_text(static_cast<std::int64_t>(queues.size()), "queue")
           + "; database: " + database.description() + "\n");
  return exit_completed;
}

exit_status change_queues(const queue_change_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto known = database.look_at_tasks()->queues(); // Says what is missing, and creates nothing.
  auto visiting = database.visit();
  for (auto& name : arguments.names) {
    auto queue = change_one(*visiting, arguments, name);
    to.out(arguments.json ? json_line(to_json(queue)) : one_line(queue));
    note_unknown(name, known, to);
  }
  if (!arguments.json)
    to.out("database: " + database.description() + "\n");
  return exit_completed;
}

} // namespace quire::cli
