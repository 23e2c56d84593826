#pragma once

#include "quire/app/cli/arguments.hpp"
#include "quire/app/cli/database_choice.hpp"
#include "quire/app/runtime.hpp"

#include <vector>

namespace quire::cli {

/// Returns the number of a task that was named.
/// @throws command_error if no task has this public id.
task_id number_of(runtime& looking, const task_name& name, const database_choice& database);

/// Returns the filter that was given, with the number of its parent.
/// @throws command_error as above.
task_filter filter_of(runtime& looking, const given_filter& which, const database_choice& database);

std::vector<task_id> numbers_of(runtime& looking, const std::vector<task_name>& names,
                                const database_choice& database);

} // namespace quire::cli
