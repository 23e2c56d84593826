#pragma once

#include "quire/messages/types/pipeline.hpp"

#include <map>
#include <string>

namespace quire::cli {

/// Reads and checks the pipeline in `file`, `-` for the standard input, and
/// that `settings` are parameters of it. Touches nothing else.
/// @throws usage_error: one line that names the file and the place in it.
pipeline_spec read_pipeline(const std::string& file,
                            const std::map<std::string, std::string>& settings);

} // namespace quire::cli
