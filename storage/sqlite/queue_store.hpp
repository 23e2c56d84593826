#pragma once

#include "quire/messages/types/queue.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What somebody decided about queues. `claim_tasks` keeps to it from the next claim on;
/// tasks that are running go on.
namespace quire::storage {

/// No task of the queue is started until it is resumed, also not after a restart. It may be
/// a queue that no task was put into yet. Does nothing to one that is paused.
/// @returns the queue as it is now.
/// @throws error with `errc::invalid_argument` if the name is not 1 to 100 bytes long.
queue_record pause_queue(transaction& tx, const std::string& name, std::int64_t now_ms);

/// Lets tasks of the queue start again. Does nothing to one that is not paused.
queue_record resume_queue(transaction& tx, const std::string& name);

/// At most `limit` (1 to 100,000) tasks of the queue run at a time, or any number if it is
/// absent. If more are running now, none is started until so many have ended.
queue_record limit_queue(transaction& tx, const std::string& name, std::optional<int> limit);

/// Returns all queues by name. Counts waiting tasks by their indexes: a tenth of a second for
/// a million of them.
std::vector<queue_record> list_queues(snapshot& db);

} // namespace quire::storage
