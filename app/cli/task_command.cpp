#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/named_tasks.hpp"
#include "quire/app/cli/subtask_file.hpp"
#include "quire/app/cli/task_view.hpp"
#include "quire/app/cli/text_source.hpp"
#include "quire/app/runtime.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>

namespace quire::cli {

namespace {

// So many are held in memory at a time.
constexpr std::int64_t page_size = 20'000;

/// Calls `take` with all tasks that match, page by page.
template <class Take>
std::int64_t each_page(runtime& looking, task_filter filter, Take take) {
  auto limit = filter.limit;
  std::int64_t count = 0;
  for (;;) {
    filter.limit = limit ? std::min(page_size, *limit - count) : page_size;
    if (*filter.limit == 0)
      return count;
    auto tasks = looking.tasks(filter);
    take(tasks);
    auto size = static_cast<std::int64_t>(tasks.size());
    count += size;
    if (size < *filter.limit)
      return count;
    filter.after = tasks.back().id;
  }
}

task_state change_one(runtime& visiting, const task_change_arguments& arguments, task_id task) {
  return visiting.write([&](storage::transaction& tx) {
    auto now_ms = system_clock_source{}.unix_ms();
    return arguments.what == task_change::retry
             ? storage::retry_task(tx, task, now_ms)
             : storage::cancel_task(tx, task, arguments.reason, now_ms);
  });
}

std::string changed_text(const task_change_arguments& arguments, task_id task, task_state state) {
  auto text = "task " + std::to_string(task.value) + ": ";
  if (arguments.what == task_change::cancel && state == task_state::running)
    return text + "asked to stop";
  return text + std::string{to_string(state)};
}

} // namespace

exit_status list_tasks(const task_list_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto looking = database.look_at_tasks();
  auto table = make_task_table(to.table_width());
  auto filter = filter_of(*looking, arguments.which, database);
  // A database that has lost what they are made with can still be looked at.
  auto ids = arguments.json ? std::optional{looking->public_ids()} : std::nullopt;
  auto count = each_page(*looking, filter, [&](const std::vector<task_record>& tasks) {
    std::string text;
    for (auto& task : tasks) {
      if (arguments.json) {
        text += json_line(to_json(task, *ids));
      } else {
        add_task(table, task);
      }
    }
    to.out(arguments.json || tasks.empty() ? text : table.take_page());
  });
  if (!arguments.json)
    to.out(count_text(count, "task") + "; database: " + database.description() + "\n");
  return exit_completed;
}

exit_status show_task(const task_show_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto looking = database.look_at_tasks();
  auto task = number_of(*looking, arguments.task, database);
  auto details = looking->find(task);
  if (!details)
    throw command_error("there is no task " + std::to_string(task.value) + " in the database "
                        + database.description());
  auto public_id = looking->public_ids().of({details->task.id.value, details->task.created_at_ms});
  if (arguments.json) {
    auto object = to_json(*details);
    object["public_id"] = public_id;
    to.out(json_line(object));
  } else {
    to.out(task_text(*details, public_id));
  }
  return exit_completed;
}

exit_status submit_task(const task_submit_arguments& arguments, console& to) {
  auto task = arguments.task;
  task.payload = read_payload("quire task submit", task.payload, arguments.text);
  if (arguments.subtasks)
    task.subtasks = read_subtasks("quire task submit", *arguments.subtasks);
  database_choice database(arguments.database);
  database.look_at_tasks(); // Says what is missing, and creates nothing.
  auto visiting = database.visit();
  if (arguments.delay.count() > 0)
    task.run_at_ms = system_clock_source{}.unix_ms() + arguments.delay.count();
  auto put = visiting->submit(std::move(task));
  auto found = visiting->find(put.id);
  if (!found) { // Its key counts for longer than it is kept.
    to.out("task " + std::to_string(put.id.value) + ": was there already, and is deleted\n");
    return exit_completed;
  }
  if (arguments.json) {
    auto object = to_json(found->task, visiting->public_ids());
    object["new"] = put.is_new;
    to.out(json_line(object));
    return exit_completed;
  }
  to.out("task " + std::to_string(put.id.value) + ": " + std::string{to_string(found->task.state)}
         + (found->task.subtasks_open > 0
              ? ", waits for " + count_text(found->task.subtasks_open, "subtask")
              : "")
         + (put.is_new ? "" : "; it was there already") + "; database: " + database.description()
         + "; " + database.when_noticed("the task waits for a process that does") + "\n");
  return exit_completed;
}

exit_status change_tasks(const task_change_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  database.look_at_tasks(); // Says what is missing, and creates nothing.
  auto visiting = database.visit();
  auto status = exit_completed;
  for (auto task : numbers_of(*visiting, arguments.tasks, database)) {
    try {
      auto state = change_one(*visiting, arguments, task);
      if (arguments.json)
        to.out(json_line({{"task", task.value}, {"state", to_string(state)}}));
      else
        to.out(changed_text(arguments, task, state) + "\n");
    } catch (const failure& refused) {
      if (refused.code() != errc::not_found && refused.code() != errc::conflict)
        throw;
      to.note(refused.what());
      status = exit_error;
    }
  }
  if (!arguments.json && status == exit_completed)
    to.out("database: " + database.description() + "; "
           + database.when_noticed("the next quire run takes it up") + "\n");
  return status;
}

} // namespace quire::cli
