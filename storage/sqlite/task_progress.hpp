#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <vector>

/// What handlers say while they run.
namespace quire::storage {

/// Writes what the attempt `epoch` of `task` said. Does nothing once that claim was taken away.
/// @returns whether it was written.
bool write_news(transaction& tx, task_id task, std::int64_t epoch, const attempt_news& news);

/// Returns the lines of a task, the oldest first.
std::vector<log_line> log_of(snapshot& db, task_id task);

} // namespace quire::storage
