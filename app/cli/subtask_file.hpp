#pragma once

#include "quire/messages/types/task.hpp"

#include <string>
#include <vector>

namespace quire::cli {

/// Reads the subtasks of a task from `file` (`-` for the standard input): a JSON list.
/// @throws usage_error: one line that begins with `command` and names the file and the place.
std::vector<task_spec> read_subtasks(const std::string& command, const std::string& file);

} // namespace quire::cli
