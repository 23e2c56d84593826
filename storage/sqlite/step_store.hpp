#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Which steps of tasks are done. They stay as long as their task.
namespace quire::storage {

/// Returns what the step `name` returned when it was done; nothing if it was not.
std::optional<std::string> find_step(snapshot& db, task_id task, const std::string& name);

/// Runs `work`, which returns what the step is to return, and writes that: in one
/// transaction, so the step is done with all that `work` writes, or not at all.
/// @returns what `work` returned.
/// @throws error: `conflict`, and `work` is not run, if the claim `epoch` of `task` was taken
///         away, or the step is done; `invalid_argument` if the name or what it returned is
///         outside of its limits, or the task has too many steps.
std::string keep_step(transaction& tx, task_id task, std::int64_t epoch, const std::string& name,
                      const std::function<std::string(transaction&)>& work, std::int64_t now_ms);

/// Returns the steps of a task that are done, in the order in which they were.
std::vector<step_record> steps_of(snapshot& db, task_id task);

} // namespace quire::storage
