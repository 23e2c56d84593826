#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <string>

/// What is done to all tasks that match a filter. Each of them is changed by `cancel_task` or
/// `retry_task`, whose rules are the only ones.
namespace quire::storage {

/// How many tasks match, and with how many of them what can be done; `filter.limit` does not
/// count. Reads all tasks, or those of the run that is asked for.
task_counts count_tasks(snapshot& db, const task_filter& filter);

/// The same filter from the first to the last task that there is now: for who goes on in
/// portions, and neither wants to meet tasks that are created meanwhile nor to look at all
/// tasks for those of one run.
task_filter within_bounds(snapshot& db, task_filter filter);

/// What one portion did.
struct bulk_portion {
  task_changes changes;
  task_id last;      ///< All up to this one were looked at: `filter.after` of the next portion.
  bool more = false; ///< There may be some behind it.
};

/// Cancels tasks that match and have not ended, by id from `filter.after` on: up to `limit`, at
/// least 1, of the next 10,000 tasks, so it may find none although there are more. `filter.limit`
/// does not count. One that is refused stays as it is and ends nothing. One that was ended or
/// deleted by what was done to another one counts as changed.
bulk_portion cancel_tasks(transaction& tx, const task_filter& filter, const std::string& reason,
                          std::int64_t now_ms, int limit = 500);

/// The same: starts tasks again that match and failed, were cancelled or succeeded in part.
bulk_portion retry_tasks(transaction& tx, const task_filter& filter, std::int64_t now_ms,
                         int limit = 500);

} // namespace quire::storage
