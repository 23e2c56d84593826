#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/task_steps.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// Tasks that wait for others, see `task_spec::subtasks`. `subtasks_open` of a task is always
/// the number of its subtasks that have not ended; while it is not 0, and the task neither runs
/// nor has ended, it is `created`.
namespace quire::storage {

/// Returns how the subtasks of a task ended that have.
subtask_counts count_subtasks(snapshot& db, task_id parent);

/// Returns its subtasks in the order in which they were given, with what came of each. Where the
/// file of an output is missing, `error` says so.
/// @throws error: `too_large` if the outputs are over 256 MiB together; `io`.
std::vector<subtask_result> subtask_results(snapshot& db, task_id parent);

/// A subtask of `parent` ended: lets `parent` go on if it waited for nothing else.
void count_ended_subtask(transaction& tx, task_id parent, std::int64_t now_ms);

/// A subtask of `parent` that had ended starts again: `parent` waits for it, unless it has ended
/// or runs; then it does before its next attempt.
void count_reopened_subtask(transaction& tx, task_id parent);

/// Makes `created` of a task that waited or ran, until its subtasks have ended, and gives the
/// place in its gate away. `was` is its row before that.
void wait_for_subtasks(transaction& tx, task_id task, const task_row& was);

/// @throws error: `conflict` if a subtask, or one of theirs, runs and is asked to stop.
void require_no_cancel_under_way(snapshot& db, task_id parent);

/// Cancels the subtasks of a task that have not ended, and theirs.
void cancel_subtasks(transaction& tx, task_id parent, const std::string& reason,
                     std::int64_t now_ms);

/// Starts those subtasks again that failed or were cancelled, and theirs.
/// @returns whether there is now one that has not ended.
bool retry_subtasks(transaction& tx, task_id parent, std::int64_t now_ms);

/// Deletes the subtasks of a task, and theirs, in whatever state, and gates that only they used.
/// @returns how many.
std::int64_t delete_subtasks(transaction& tx, task_id parent);

/// Makes `task`, which is `created`, ready, blocked or scheduled: it has its time from now on.
void release_task(transaction& tx, task_id task, std::int64_t now_ms);

} // namespace quire::storage
