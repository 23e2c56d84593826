#pragma once

#include "quire/messages/types/ids.hpp"
#include "quire/storage/public_ids.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <optional>
#include <string_view>

namespace quire::storage {

/// Returns what makes the public ids of this database.
public_ids public_ids_of(snapshot& db);

/// Returns the task whose public id is `text`, if there is one.
std::optional<task_id> find_public_task(snapshot& db, std::string_view text);

} // namespace quire::storage
