#include "quire/actors/nearest_name.hpp"
#include "quire/app/cli/commands.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/named_tasks.hpp"
#include "quire/storage/owner_lock.hpp"
#include "quire/storage/sqlite/task_store.hpp"

#include <algorithm>
#include <optional>
#include <thread>

namespace quire::cli {

namespace {

using clock = std::chrono::steady_clock;

// Nobody tells a process that only looks: it looks again so often.
constexpr std::chrono::milliseconds look_again{100};

exit_status exit_status_of(task_state state) noexcept {
  switch (state) {
    case task_state::completed: return exit_completed;
    case task_state::partial_success: return exit_partial;
    default: return exit_failed;
  }
}

std::string ended_text(const task_record& task) {
  auto text = "task " + std::to_string(task.id.value) + ": " + std::string{to_string(task.state)};
  if (!task.error.empty())
    text += ": " + actors::printable(task.error, 1000);
  return text + "\n";
}

/// Tasks that have not ended when last looked at.
class awaited_tasks {
public:
  explicit awaited_tasks(std::vector<task_id> ids) : ids_(std::move(ids)) {
    std::ranges::sort(ids_, {}, &task_id::value);
    auto again = std::ranges::unique(ids_);
    ids_.erase(again.begin(), again.end());
  }

  /// Takes those out that have ended.
  /// @throws command_error if one is not there.
  std::vector<task_record> take_ended(runtime& looking, const std::string& where) {
    std::vector<task_record> ended;
    auto found = looking.read([this](storage::snapshot& db) {
      std::vector<std::optional<task_record>> records;
      for (auto id : ids_)
        records.push_back(storage::find_task_record(db, id));
      return records;
    });
    for (std::size_t i = 0; i < ids_.size(); ++i)
      if (!found[i])
        throw command_error("there is no task " + std::to_string(ids_[i].value)
                            + " in the database " + where);
    ids_.clear();
    for (auto& task : found) {
      if (is_terminal(task->state))
        ended.push_back(std::move(*task));
      else
        ids_.push_back(task->id);
    }
    return ended;
  }

  const std::vector<task_id>& left() const noexcept { return ids_; }

private:
  std::vector<task_id> ids_;
};

std::string late_text(const std::vector<task_id>& left) {
  auto first = "task " + std::to_string(left.front().value);
  if (left.size() == 1)
    return first + " has not ended; nothing was changed about it";
  return first + " and " + std::to_string(left.size() - 1)
         + " more have not ended; nothing was changed about them";
}

} // namespace

exit_status wait_for_tasks(const task_wait_arguments& arguments, console& to) {
  database_choice database(arguments.database);
  auto looking = database.look_at_tasks();
  auto began = clock::now();
  auto ids = arguments.json ? std::optional{looking->public_ids()} : std::nullopt;
  awaited_tasks tasks(numbers_of(*looking, arguments.tasks, database));
  auto status = exit_completed;
  for (bool first = true;; first = false) {
    for (auto& task : tasks.take_ended(*looking, database.description())) {
      to.out(arguments.json ? json_line(to_json(task, *ids)) : ended_text(task));
      status = std::max(status, exit_status_of(task.state));
    }
    if (tasks.left().empty())
      return status;
    if (first && !storage::owner_lock::owner_of(database.path()))
      to.note("nobody runs the database: no task goes on until a process does");
    auto pause = look_again;
    if (arguments.timeout) {
      auto left = *arguments.timeout
                  - std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began);
      if (left.count() <= 0) {
        to.note(late_text(tasks.left()));
        return exit_error;
      }
      pause = std::min(pause, left);
    }
    std::this_thread::sleep_for(pause);
  }
}

} // namespace quire::cli
