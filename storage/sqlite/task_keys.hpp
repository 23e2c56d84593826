#pragma once

#include "quire/messages/types/task.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// Who has which unique key. For this folder only.
namespace quire::storage {

/// The task that has a key: it has not ended, or its key counts for longer. It may have
/// been deleted.
struct key_holder {
  task_id task;
  task_state state = task_state::ready; ///< `completed` if it was deleted.
};

/// Returns who has the key of tasks of `kind`, if anybody.
std::optional<key_holder> find_key_holder(snapshot& db, const std::string& kind,
                                          const std::string& key, std::int64_t now_ms);

/// Gives a key to `task`, whoever has it.
/// @param until_ms it counts until then, even if the task ends before.
void take_key(transaction& tx, const std::string& kind, const std::string& key, task_id task,
              std::int64_t until_ms);

/// Gives up the key of a task that ends.
void leave_key(transaction& tx, task_id task, std::int64_t now_ms);

/// Gives a task that ended its key back, if it had one.
/// @throws error with `errc::conflict` if another task has it.
void take_key_again(transaction& tx, task_id task, std::int64_t now_ms);

/// Deletes up to `limit` keys of ended tasks that have not counted since `before_ms`.
void forget_keys(transaction& tx, std::int64_t before_ms, int limit);

} // namespace quire::storage
