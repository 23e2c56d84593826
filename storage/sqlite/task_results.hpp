#pragma once

#include "quire/messages/types/ids.hpp"
#include "quire/storage/result_files.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <cstdint>
#include <span>
#include <string>

/// Outputs that are in files beside the database.
namespace quire::storage {

/// Returns the output of `task` that is in the file with this name.
/// @throws error: `not_found` if the file is not there; `io`.
std::string output_in_file(snapshot& db, task_id task, const std::string& name);

/// Removes those of `files` that no task names, and none ever will: the claim that wrote one has
/// ended, and another has taken its place or it said something else.
/// @param db a view that is younger than the list.
/// @returns how many.
/// @throws error: `io` if some cannot be removed; the others are.
std::int64_t remove_unnamed(snapshot& db, std::span<const result_files::entry> files);

} // namespace quire::storage
