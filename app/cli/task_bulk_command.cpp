#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/named_tasks.hpp"
#include "quire/app/runtime.hpp"

namespace quire::cli {

namespace {

std::string where(const database_choice& database) {
  return "; database: " + database.description() + "; ";
}

exit_status count(const task_bulk_arguments& arguments, const database_choice& database,
                  console& to) {
  auto looking = database.look_at_tasks();
  auto counts = looking->count_tasks(filter_of(*looking, arguments.which, database));
  bool retry = arguments.what == task_change::retry;
  auto changed = retry ? counts.retryable : counts.cancellable;
  if (arguments.json)
    to.out(
      json_line({{"dry_run", true}, {"matching", counts.matching}, {"would_change", changed}}));
  else
    to.out(count_text(counts.matching, "task") + (counts.matching == 1 ? " matches, " : " match, ")
           + std::to_string(changed) + " would be " + (retry ? "started again" : "cancelled")
           + where(database) + "nothing was changed\n");
  return exit_completed;
}

/// `1 task cancelled, 2 asked to stop, 1 refused`.
std::string changes_text(task_change what, const task_changes& done) {
  auto text = count_text(done.changed - done.asked, "task")
              + (what == task_change::retry ? " started again" : " cancelled");
  if (done.asked > 0)
    text += ", " + std::to_string(done.asked) + " asked to stop";
  if (done.refused > 0)
    text += ", " + std::to_string(done.refused) + " refused";
  return text;
}

json to_json(task_change what, const task_changes& done) {
  json object{{"dry_run", false}, {"changed", done.changed}};
  if (what == task_change::cancel)
    object["asked_to_stop"] = done.asked;
  object["refused"] = done.refused;
  object["refusals"] = done.refusals;
  return object;
}

void note_refusals(const task_changes& done, console& to) {
  for (auto& why : done.refusals)
    to.note(why);
  auto more = done.refused - static_cast<std::int64_t>(done.refusals.size());
  if (more > 0)
    to.note("refused, too: " + count_text(more, "task") + " more");
}

} // namespace

exit_status change_matching_tasks(const task_bulk_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  if (arguments.dry_run)
    return count(arguments, database, to);
  // Says what is missing, and creates nothing.
  auto filter = filter_of(*database.look_at_tasks(), arguments.which, database);
  auto visiting = database.visit();
  auto done = arguments.what == task_change::retry
                ? visiting->retry_tasks(filter)
                : visiting->cancel_tasks(filter, arguments.reason);
  if (arguments.json)
    to.out(json_line(to_json(arguments.what, done)));
  else
    to.out(changes_text(arguments.what, done) + where(database)
           + database.when_noticed("the next quire run takes it up") + "\n");
  note_refusals(done, to);
  return done.refused > 0 ? exit_error : exit_completed;
}

} // namespace quire::cli
