#pragma once

#include <cstddef>
#include <string>

namespace quire::cli {

/// What messages call `file`, in which `-` is the standard input.
std::string shown_source(const std::string& file);

/// Returns what is in `file`, `-` for the standard input; no more than its first `bytes_max`.
/// @throws usage_error: one line that begins with `command` and names the file.
std::string read_source(const std::string& command, const std::string& file, std::size_t bytes_max);

/// Returns the payload of a task: `given`, or the standard input if that is `-`.
/// @param any_text it need not be JSON.
/// @throws usage_error: one line that begins with `command`.
std::string read_payload(const std::string& command, const std::string& given, bool any_text);

} // namespace quire::cli
