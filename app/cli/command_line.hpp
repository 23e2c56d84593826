#pragma once

#include "quire/app/cli/arguments.hpp"

#include <string>
#include <vector>

namespace quire::cli {

/// Reads the command line, without the name of the program.
/// @throws usage_error: one line that names the command and the argument, and
///         the nearest known one where that helps.
command parse_command_line(const std::vector<std::string>& arguments);

} // namespace quire::cli
